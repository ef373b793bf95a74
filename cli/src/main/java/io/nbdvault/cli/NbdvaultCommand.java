package io.nbdvault.cli;

import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.cli.render.ProgressLine;
import io.nbdvault.cli.render.Terminal;
import io.nbdvault.cli.render.TextDisplay;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command above the commands: what they share, and what is printed when none is named. */
@Command(
    name = "nbdvault",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    header = "Backs up QEMU virtual machines, running or stopped.",
    description = {
      "%nEvery snapshot is complete. Only what changed is read, and equal content is"
          + " stored once."
    },
    commandListHeading = "%nCommands:%n",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:done",
      " 1:failed",
      " 2:the command line is wrong, or names what is not there",
      " 3:done in part, or damage was found",
      "10:there is no repository",
      "11:the repository is in use",
      "12:the password or key is wrong, or missing",
      "13:the VM is being backed up by another run",
      "130:interrupted"
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup init",
      "  nbdvault -r /backup backup web1 --qmp /run/web1.qmp",
      "  nbdvault -r /backup restore web1@latest --to /var/lib/images/"
    })
final class NbdvaultCommand implements Callable<Integer> {
  /** Names the repository where {@code -r} does not. */
  static final String REPOSITORY_VARIABLE = "NBDVAULT_REPO";

  private final Surroundings surroundings;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Option(
      names = {"-r", "--repository"},
      paramLabel = "REPO",
      scope = ScopeType.INHERIT,
      description = "Directory of the repository. Default: $" + REPOSITORY_VARIABLE + ".")
  private @Nullable Path repository;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Print JSON on stdout, one object a line: see docs/JSON.md.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      scope = ScopeType.INHERIT,
      description = "Print only what was asked for, warnings and errors; with --json, no progress.")
  private boolean quiet;

  @Option(
      names = {"-v", "--verbose"},
      scope = ScopeType.INHERIT,
      description = "Log what is done on stderr, and where an error came from.")
  private boolean verbose;

  @Option(
      names = "--lock-wait",
      paramLabel = "DURATION",
      scope = ScopeType.INHERIT,
      converter = DurationConverter.class,
      description =
          "Wait this long for a repository that is in use, such as 30s, 10m or 1h."
              + " Default: do not wait.")
  private Duration lockWait = Duration.ZERO;

  @Option(
      names = "--password-file",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description =
          "File with the password of an encrypted repository. Default: $"
              + KeySource.PASSWORD_VARIABLE
              + ", else the terminal is asked.")
  private @Nullable Path passwordFile;

  @Option(
      names = "--password-command",
      paramLabel = "COMMAND",
      scope = ScopeType.INHERIT,
      description = "Shell command that prints the password. Default: none.")
  private @Nullable String passwordCommand;

  @Option(
      names = "--key-file",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description =
          "Key file or private key that unlocks the repository, instead of a password."
              + " Default: none.")
  private @Nullable Path keyFile;

  private @Nullable KeySource keySource;
  private final LastSeen lastSeen;
  private @Nullable Path used;

  NbdvaultCommand(Surroundings surroundings) {
    this.surroundings = surroundings;
    this.lastSeen = new LastSeen(surroundings.environment());
  }

  @Override
  public Integer call() {
    surroundings.err().println("Usage: nbdvault [-r REPO] [--json] [-q | -v] COMMAND ...");
    surroundings
        .err()
        .println("Commands: " + String.join(", ", spec.commandLine().getSubcommands().keySet()));
    surroundings.err().println("More: nbdvault --help, nbdvault COMMAND --help");
    surroundings.err().flush();
    return ExitCode.USAGE;
  }

  Surroundings surroundings() {
    return surroundings;
  }

  boolean isJson() {
    return json;
  }

  boolean isQuiet() {
    return quiet;
  }

  boolean isVerbose() {
    return verbose;
  }

  /** How long to wait for a repository that is in use. */
  Duration lockWait() {
    return lockWait;
  }

  /** Checks what picocli cannot; called before any command runs. */
  void checkOptions() {
    if (quiet && verbose) {
      throw new ParameterException(spec.commandLine(), "-q and -v exclude each other");
    }
    if (keyOptions().isAmbiguous()) {
      throw new ParameterException(
          spec.commandLine(),
          "--password-file, --password-command and --key-file exclude each other");
    }
  }

  /**
   * The repository that the command line or the environment names. Warns, once, if it is older than
   * it was.
   *
   * @param command asks, and is named in the error
   * @throws ParameterException if neither names one
   */
  Path repository(CommandSpec command) {
    if (used == null) {
      used = named(command);
      lastSeen.warning(used).ifPresent(this::warn);
    }
    return used;
  }

  private Path named(CommandSpec command) {
    String variable = surroundings.environment().getOrDefault(REPOSITORY_VARIABLE, "");
    if (repository != null) {
      return repository;
    }
    if (variable.isEmpty()) {
      throw new ParameterException(
          command.commandLine(), "name the repository with -r REPO or " + REPOSITORY_VARIABLE);
    }
    return Path.of(variable);
  }

  private void warn(String message) {
    if (json) {
      new JsonLines(surroundings.out()).write(JsonLines.event("warning").put("message", message));
    } else {
      surroundings.err().println("nbdvault: warning: " + message);
      surroundings.err().flush();
    }
  }

  /** Remembers how far the repository has come that was used, if one was. */
  void remember() {
    if (used != null) {
      lastSeen.remember(used);
    }
  }

  /** What unlocks the repository. */
  KeySource keys() {
    if (keySource == null) {
      keySource = new KeySource(surroundings, keyOptions());
    }
    return keySource;
  }

  private KeySource.Options keyOptions() {
    return new KeySource.Options(passwordFile, passwordCommand, keyFile);
  }

  /** What shows a job, as the options and the terminal ask for. */
  JobDisplay display() {
    return json ? new JsonDisplay(surroundings.out(), quiet) : textDisplay(surroundings.out());
  }

  /** What shows a job whose result is stdout itself. */
  JobDisplay displayOnStderr() {
    return textDisplay(surroundings.err());
  }

  /** What shows several backups. */
  PlanDisplay planDisplay() {
    if (json) {
      return new PlanDisplay(new PlanStyle.Json(new JsonLines(surroundings.out()), quiet), null);
    }
    ProgressLine line = progressLine();
    return new PlanDisplay(new PlanStyle.Text(surroundings, quiet, line), line);
  }

  private JobDisplay textDisplay(PrintStream out) {
    return new TextDisplay(out, surroundings.err(), quiet, surroundings.zone(), progressLine());
  }

  /** None with {@code -v}: the log and a line that is drawn over do not go together. */
  private @Nullable ProgressLine progressLine() {
    if (quiet || verbose || !surroundings.stderrIsOurs()) {
      return null;
    }
    OptionalInt columns = Terminal.stderrColumns(surroundings.environment());
    return columns.isPresent() ? new ProgressLine(surroundings.err(), columns.getAsInt()) : null;
  }
}
