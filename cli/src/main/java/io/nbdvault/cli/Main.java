package io.nbdvault.cli;

import io.nbdvault.cli.nbd.NbdThreads;
import io.nbdvault.engine.Cancellation;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Where the program starts. */
public final class Main {
  private static final int HELP_COLUMNS = 80;
  private static final Pattern INVALID_VALUE =
      Pattern.compile("Invalid value for option '--([a-z-]+)'[^:]*: \\1(: .*)");

  private Main() {}

  /** Runs a command, and ends the JVM with its exit code. */
  public static void main(String[] args) {
    Interruption interruption = Interruption.install();
    Surroundings surroundings = Surroundings.ofProcess(interruption.cancellation());
    int code = run(surroundings, args);
    surroundings.flush();
    // A signal meanwhile does not change how it ended.
    NbdThreads.stop();
    interruption.ended(code);
    System.exit(code);
  }

  /**
   * Runs a command within this process, for tests and for other programs. Neither ends the JVM nor
   * hears signals.
   *
   * @return the exit code
   */
  public static int run(PrintStream out, PrintStream err, String... args) {
    return run(out, err, Map.of(), args);
  }

  /**
   * As above.
   *
   * @param environment the environment variables that the command is to see
   */
  public static int run(
      PrintStream out, PrintStream err, Map<String, String> environment, String... args) {
    return run(
        new Surroundings(out, err, false, environment, ZoneId.systemDefault(), new Cancellation()),
        args);
  }

  static int run(Surroundings surroundings, String... args) {
    NbdvaultCommand root = new NbdvaultCommand(surroundings);
    try {
      return commandLine(root, args).execute(args);
    } catch (Error e) {
      // picocli passes these on. A missing native library, for one, is worth a sentence.
      return new ErrorReport(surroundings, root.isJson()).failed(e, root.isVerbose());
    } finally {
      surroundings.flush();
    }
  }

  /** The whole command line, with the help for all of it. */
  static CommandLine commandLine(NbdvaultCommand root) {
    return commandLine(root, commands(root).keySet());
  }

  /**
   * As much of the command line as these arguments need: to look through the options of all
   * commands takes an eighth of a short command's time.
   */
  private static CommandLine commandLine(NbdvaultCommand root, String... args) {
    Set<String> named = new LinkedHashSet<>(commands(root).keySet());
    named.retainAll(List.of(args));
    boolean help = List.of(args).contains("--help") || List.of(args).contains("-h");
    if (named.isEmpty() || named.contains("help") || help) {
      return commandLine(root);
    }
    CommandLine some = commandLine(root, named);
    CommandLine.IParameterExceptionHandler usual = some.getParameterExceptionHandler();
    return some.setParameterExceptionHandler(
        (error, given) ->
            error instanceof UnmatchedArgumentException
                // Nothing has run yet, and what was meant may be a command that was left out.
                ? commandLine(new NbdvaultCommand(root.surroundings())).execute(given)
                : usual.handleParseException(error, given));
  }

  private static Map<String, Supplier<Object>> commands(NbdvaultCommand root) {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.put("init", () -> new InitCommand(root));
    commands.put("backup", () -> new BackupCommand(root));
    commands.put("snapshots", () -> new SnapshotsCommand(root));
    commands.put("show", () -> new ShowCommand(root));
    commands.put("diff", () -> new DiffCommand(root));
    commands.put("stats", () -> new StatsCommand(root));
    commands.put("restore", () -> new RestoreCommand(root));
    commands.put("serve", () -> new ServeCommand(root));
    commands.put("overlay", () -> overlay(root));
    commands.put("forget", () -> new ForgetCommand(root));
    commands.put("gc", () -> new GcCommand(root));
    commands.put("undelete", () -> new UndeleteCommand(root));
    commands.put("protect", () -> new ProtectCommand(root));
    commands.put("unprotect", () -> new UnprotectCommand(root));
    commands.put("verify", () -> new VerifyCommand(root));
    commands.put("repair", () -> new RepairCommand(root));
    commands.put("cleanup", () -> new CleanupCommand(root));
    commands.put("key", () -> key(root));
    commands.put("nbd", () -> nbd(root));
    commands.put("help", () -> new CommandLine.HelpCommand());
    return commands;
  }

  private static CommandLine commandLine(NbdvaultCommand root, Set<String> names) {
    Surroundings surroundings = root.surroundings();
    CommandLine commandLine = new CommandLine(root);
    commands(root)
        .forEach(
            (name, command) -> {
              if (names.contains(name)) {
                commandLine.addSubcommand(name, command.get());
              }
            });
    commandLine
        .setExpandAtFiles(false)
        .setUnmatchedOptionsAllowedAsOptionParameters(false)
        .setUsageHelpWidth(HELP_COLUMNS)
        .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
        .setOut(new PrintWriter(surroundings.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(surroundings.err(), true, StandardCharsets.UTF_8))
        .setExecutionStrategy(parsed -> execute(root, parsed))
        .setParameterExceptionHandler((error, args) -> misused(surroundings, error, args))
        .setExecutionExceptionHandler(
            (error, command, parsed) ->
                new ErrorReport(surroundings, root.isJson()).failed(error, root.isVerbose()));
    layOutHelp(commandLine);
    return commandLine;
  }

  private static CommandLine key(NbdvaultCommand root) {
    return new CommandLine(new KeyCommand(root))
        .addSubcommand("list", new KeyListCommand(root))
        .addSubcommand("add", new KeyAddCommand(root))
        .addSubcommand("remove", new KeyRemoveCommand(root))
        .addSubcommand("change-password", new KeyChangePasswordCommand(root))
        .addSubcommand("rotate", new KeyRotateCommand(root))
        .addSubcommand("generate", new KeyGenerateCommand(root));
  }

  private static CommandLine nbd(NbdvaultCommand root) {
    return new CommandLine(new NbdCommand(root))
        .addSubcommand("info", new NbdInfoCommand(root))
        .addSubcommand("map", new NbdMapCommand(root))
        .addSubcommand("copy", new NbdCopyCommand(root));
  }

  private static CommandLine overlay(NbdvaultCommand root) {
    return new CommandLine(new OverlayCommand(root))
        .addSubcommand("list", new OverlayListCommand(root))
        .addSubcommand("commit", new OverlayCommitCommand(root))
        .addSubcommand("discard", new OverlayDiscardCommand(root));
  }

  private static void layOutHelp(CommandLine commandLine) {
    commandLine
        .getCommandSpec()
        .usageMessage()
        .synopsisHeading("%nUsage: ")
        .parameterListHeading("%nArguments:%n")
        .optionListHeading("%nOptions:%n");
    commandLine.getSubcommands().values().forEach(Main::layOutHelp);
  }

  private static int execute(NbdvaultCommand root, ParseResult parsed) {
    root.checkOptions();
    Logging.configure(root.isVerbose());
    try {
      return new CommandLine.RunLast().execute(parsed);
    } finally {
      root.remember();
    }
  }

  private static int misused(Surroundings surroundings, ParameterException error, String[] args) {
    // Parsing has ended early, perhaps before it came to --json.
    boolean json = List.of(args).contains("--json");
    String command = error.getCommandLine().getCommandSpec().qualifiedName();
    return new ErrorReport(surroundings, json)
        .misused(sentence(error) + " (see " + command + " --help)");
  }

  /** {@code Invalid value for option '--x': x: ...}: what follows the first colon says it all. */
  private static String withoutTheOptionTwice(String message) {
    Matcher matcher = INVALID_VALUE.matcher(message);
    return matcher.matches() ? "--" + matcher.group(1) + matcher.group(2) : message;
  }

  private static String sentence(ParameterException error) {
    String message = String.valueOf(error.getMessage());
    if (!(error instanceof UnmatchedArgumentException unmatched)) {
      return withoutTheOptionTwice(message);
    }
    boolean wantsCommand = !unmatched.getCommandLine().getSubcommands().isEmpty();
    if (wantsCommand && !unmatched.isUnknownOption()) {
      message = "there is no command '" + unmatched.getUnmatched().get(0) + "'";
    }
    if (!wantsCommand && !unmatched.isUnknownOption()) {
      message = "'" + unmatched.getUnmatched().get(0) + "' is one argument too many";
    }
    List<String> suggestions = unmatched.getSuggestions();
    return suggestions.isEmpty() ? message : message + ", did you mean " + suggestions.get(0) + "?";
  }
}
