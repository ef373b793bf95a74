package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command above those that change who can unlock a repository. */
@Command(
    name = "key",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    header = "Shows and changes who can unlock an encrypted repository.",
    description = {
      "%nA repository has up to 16 key slots. Each is opened by a password, a key file, or the"
          + " private key of a pair, and each opens everything. Changing them touches no data."
          + " Who could open a slot once may have kept what it opens: removing it takes nothing"
          + " back."
    },
    commandListHeading = "%nCommands:%n",
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup key list",
      "  nbdvault -r /backup key change-password",
      "  nbdvault key generate /safe/recovery.pem",
      "  nbdvault -r /backup key add --recipient /safe/recovery.pem.pub --label safe"
    })
final class KeyCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  KeyCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() {
    String commands = String.join(", ", spec.commandLine().getSubcommands().keySet());
    root.surroundings().err().println("Usage: nbdvault [-r REPO] key COMMAND ...");
    root.surroundings().err().println("Commands: " + commands);
    root.surroundings().err().println("More: nbdvault key --help, nbdvault key COMMAND --help");
    root.surroundings().err().flush();
    return ExitCode.USAGE;
  }

  /** The slot of that number. */
  static KeySlot slot(RepositoryKeys keys, int number) throws JobException {
    return keys.slots().stream()
        .filter(slot -> slot.number() == number)
        .findAny()
        .orElseThrow(() -> JobException.badRequest("there is no key slot " + number));
  }

  /** Says what was done. */
  static void tell(NbdvaultCommand root, String job, ObjectNode fields, String sentence) {
    if (root.isJson()) {
      ObjectNode json = JsonLines.event("summary").put("job", job);
      json.setAll(fields);
      new JsonLines(root.surroundings().out()).write(json);
    } else if (!root.isQuiet()) {
      root.surroundings().out().println(sentence);
    }
  }
}
