package io.nbdvault.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command above those that work on what was written to served disks. */
@Command(
    name = "overlay",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    header = "Shows, commits or throws away what was written to served disks.",
    description = {
      "%nserve --writable DIR keeps it in DIR, a file for each disk of each snapshot."
    },
    commandListHeading = "%nCommands:%n",
    footer = {
      "%nExamples:",
      "  nbdvault overlay list /overlays",
      "  nbdvault -r /backup overlay commit web1@latest /overlays"
    })
final class OverlayCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  OverlayCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() {
    return NbdCommand.showCommands(root, spec);
  }
}
