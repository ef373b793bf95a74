package io.nbdvault.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command above those that work on NBD servers alone. */
@Command(
    name = "nbd",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    header = "Shows and copies what NBD servers export.",
    description = {
      "%nNeeds no repository. An NBD URI is nbd://HOST[:PORT]/EXPORT or"
          + " nbd+unix:///EXPORT?socket=PATH, or with TLS nbds:// or nbds+unix:// with"
          + " tls-certificates=DIR or tls-psk-file=FILE."
    },
    commandListHeading = "%nCommands:%n",
    footer = {
      "%nExamples:",
      "  nbdvault nbd info nbd://localhost",
      "  nbdvault nbd copy nbd://localhost/disk disk.raw"
    })
final class NbdCommand implements Callable<Integer> {
  static final String URI_DESCRIPTION =
      "NBD URI of the export, such as nbd://localhost/disk or nbd+unix:///disk?socket=PATH.";

  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  NbdCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() {
    return showCommands(root, spec);
  }

  /** Shows the commands below one that does nothing by itself. */
  static int showCommands(NbdvaultCommand root, CommandSpec spec) {
    String commands = String.join(", ", spec.commandLine().getSubcommands().keySet());
    String name = "nbdvault " + spec.name();
    root.surroundings().err().println("Usage: " + name + " COMMAND ...");
    root.surroundings().err().println("Commands: " + commands);
    root.surroundings().err().println("More: " + name + " --help, " + name + " COMMAND --help");
    root.surroundings().err().flush();
    return ExitCode.USAGE;
  }
}
