package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class UsageTest {
  private static final Surroundings SURROUNDINGS =
      TestRun.surroundings(new ByteArrayOutputStream(), new ByteArrayOutputStream(), Map.of());

  private static final List<String> COMMANDS =
      List.of(
          "init",
          "backup",
          "snapshots",
          "show",
          "restore",
          "verify",
          "repair",
          "diff",
          "stats",
          "forget",
          "gc",
          "undelete",
          "protect",
          "unprotect",
          "cleanup",
          "key",
          "nbd");

  private static final List<String> NBD_COMMANDS = List.of("info", "map", "copy");

  @Test
  void helpListsAllCommandsWhicheverIsNamed() {
    String help = TestRun.of("--help").out();
    assertThat(help).contains("  restore", "  cleanup", "  nbd");
    assertThat(TestRun.of("--help", "restore").out()).isEqualTo(help);
    assertThat(TestRun.of("help", "restore").out())
        .isEqualTo(TestRun.of("restore", "--help").out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "bakup|there is no command 'bakup', did you mean backup? (see nbdvault --help)",
        "--foo|Unknown option: '--foo'",
        "backup|Missing required parameter: 'VM' (see nbdvault backup --help)",
        "backup v|say where the disks are, with one of --qmp, --image and --nbd",
        "backup v --qmp a --nbd b=nbd://h/|--qmp, --image and --nbd exclude each other",
        "backup v --image a=b|is not of the form NAME=FILE,format=raw|qcow2",
        "backup v --nbd a=nbd://h/ --nbd a=nbd://i/|--nbd: two disks named 'a'",
        "backup v --qmp a --disk --full|Expected parameter for option '--disk'",
        "backup v --qmp a --freeze maybe|'maybe' is not one of auto, require, never",
        "backup v --qmp a --freeze require|--freeze require needs --guest-agent SOCKET",
        "backup v --nbd a=nbd://h/ --guest-agent g|--guest-agent is of use with --qmp only",
        "backup v --qmp a --rate-limit 0|--rate-limit: 0 (expected: 1 or more bytes a second)",
        "backup --plan /absent|/absent: no such file",
        "backup --plan /absent/plan|/absent/plan: no such file",
        "backup --plan /proc|/proc: is a directory",
        "backup v --plan x|--plan goes with no VM and no other option of backup",
        "backup --plan x --full|--plan goes with no VM and no other option of backup",
        "backup v --qmp a --rate-limit fast|'fast' is not a number of bytes",
        "init --chunk-size 5K|--chunk-size: 5K (expected: a power of two from 16K to 4M)",
        "init --chunk-size 4G|--chunk-size: 4G (expected: a power of two from 16K to 4M)",
        "init --compression zstd:20|compression: zstd:20 (expected: lz4, none, zstd or zstd:LEVEL",
        "restore x|Missing required option: '--to=TARGET'",
        "restore x --to y --live|--live and --qmp belong together",
        "restore x --to y --qmp /q|--live and --qmp belong together",
        "restore x --to y --live --qmp /q --salvage|--live and --salvage exclude each other",
        "restore x --to y --format vmdk|'vmdk' is not one of raw, qcow2",
        "forget|name snapshots, or say whose to look at, with one of --vm VM and --all-vms",
        "forget --vm v --all-vms --keep-last 1|with one of --vm VM and --all-vms",
        "forget --vm v|say what is kept, with one --keep-... or more",
        "forget --all-vms --keep-last 0|say what is kept, with one --keep-... or more",
        "forget --vm v --keep-daily -1|--keep-daily: -1 (expected: 1 to 1000000)",
        "forget --vm v --keep-daily x|Invalid value for option '--keep-daily'",
        "forget --vm v --keep-within 3x|'3x' is not a length of time",
        "forget --vm v --keep-tag =x|'=x' is not of the form NAME=VALUE",
        "forget 1a2b --keep-last 3|SNAPSHOT goes without --vm, --all-vms and --keep-...",
        "forget 1a2b --gc --dry-run|--gc and --dry-run exclude each other",
        "gc --rate-limit 0|--rate-limit: 0 (expected: 1 or more bytes a second)",
        "diff a|Missing required parameter: 'TO'",
        "undelete|Missing required parameter: 'SNAPSHOT'",
        "protect|Missing required parameter: 'SNAPSHOT'",
        "--lock-wait 5 snapshots|'5' is not a time to wait (expected: such as 30s, 10m or 1h30m)",
        "cleanup|Missing required option: '--qmp=SOCKET'",
        "snapshot backup|there is no command 'snapshot', did you mean snapshots?",
        "snapshots a b|'b' is one argument too many",
        "init --compression zstd:99|--compression: zstd:99 (expected: ",
        "nbd inof|there is no command 'inof', did you mean info? (see nbdvault nbd --help)",
        "nbd info|Missing required parameter: 'URI' (see nbdvault nbd info --help)",
        "nbd info disk.raw|Invalid value for positional parameter at index 0 (URI): NBD URI disk",
        "nbd info nbd+unix:///x|the parameter socket=PATH is missing",
        "nbd info nbd://h --list --size|--list and --size exclude each other",
        "nbd map http://h/|the scheme",
        "nbd copy nbd://h|Missing required parameter: 'DESTINATION'",
        "nbd copy a b|neither the source nor the destination is an NBD URI; cp copies files",
        "nbd copy - -|source and destination are the same",
        "nbd copy nbd://h nbd://h:10809|source and destination are the same",
        "nbd copy null: nbd://h|null: can only be the destination",
        "nbd copy nbd+ssh://h null:|the scheme",
        "nbd copy nbd://h x --connections 17|--connections: 17 (expected: 1 to 16)",
        "nbd copy nbd://h x --requests 0|--requests: 0 (expected: 1 to 64)",
        "nbd copy nbd://h x --request-size 1K|--request-size: 1K (expected: 4K to 32M)",
        "nbd copy / nbd://h|/ is a directory",
        "-q -v snapshots|-q and -v exclude each other"
      })
  void saysInOneLineWhatIsWrongWithACommandLine(String line, String part) {
    TestRun run = TestRun.of(("-r /nonexistent " + line).split(" "));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("nbdvault: ").contains(part);
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "init",
        "backup v --qmp x",
        "snapshots",
        "show x",
        "restore x --to y",
        "verify",
        "repair",
        "forget 1a2b",
        "undelete 1a2b",
        "protect 1a2b"
      })
  void asksForTheRepository(String line) {
    TestRun run = TestRun.with(Map.of("NBDVAULT_REPO", ""), line.split(" "));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("name the repository with -r REPO or NBDVAULT_REPO");
  }

  @Test
  void tellsAProgramOfAWrongCommandLineToo() throws IOException {
    TestRun run = TestRun.of("show", "--jsn", "--json");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.event("error").path("code").intValue()).isEqualTo(2);
    assertThat("nbdvault: " + run.event("error").path("message").textValue())
        .isEqualTo(run.err().strip());
  }

  @Test
  void doesNotMixJsonWithWhatIsCopiedToStdout() throws IOException {
    TestRun run = TestRun.of("nbd", "copy", "nbd://h", "-", "--json");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--json and the destination - would both be on stdout");
    assertThat(run.json()).hasSize(1);
  }

  @Test
  void printsAShortUsageWhereNoCommandIsNamed() {
    TestRun run = TestRun.of();

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSizeBetween(2, 5);
    assertThat(run.err())
        .contains("init, backup, snapshots, show, diff, stats, restore, serve, overlay,");
  }

  @Test
  void printsItsVersion() {
    assertThat(TestRun.of("--version").out()).matches("nbdvault \\d[^$]*, Java \\d.*\n");
    assertThat(TestRun.of("backup", "-V").out()).isEqualTo(TestRun.of("--version").out());
  }

  @Test
  void helpsWithin80Columns() {
    assertThat(help("--help").lines()).allSatisfy(UsageTest::fits);
    for (String command : COMMANDS) {
      assertThat(help(command, "--help").lines()).allSatisfy(UsageTest::fits);
      assertThat(help("help", command)).isEqualTo(help(command, "--help"));
      assertThat(help(command, "--help")).contains("Examples:\n  nbdvault ");
    }
  }

  @Test
  void helpsWithNbdCommandsWithin80Columns() {
    for (String command : NBD_COMMANDS) {
      assertThat(help("nbd", command, "--help").lines()).allSatisfy(UsageTest::fits);
      assertThat(help("nbd", command, "--help")).contains("Examples:\n  nbdvault nbd " + command);
    }
  }

  @Test
  void namesTheNbdCommandsWhereNoneIsNamed() {
    TestRun run = TestRun.of("nbd");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("info, map, copy");
  }

  private static String help(String... args) {
    TestRun run = TestRun.of(args);
    assertThat(run.code()).isZero();
    assertThat(run.err()).isEmpty();
    return run.out();
  }

  private static void fits(String line) {
    assertThat(line).hasSizeLessThanOrEqualTo(80);
  }

  @Test
  void explainsEveryOptionWithItsDefault() {
    CommandLine root = Main.commandLine(new NbdvaultCommand(SURROUNDINGS));
    assertThat(root.getSubcommands().keySet()).containsAll(COMMANDS);
    List<CommandLine> commands = new ArrayList<>(root.getSubcommands().values());
    commands.addAll(
        Objects.requireNonNull(root.getSubcommands().get("nbd")).getSubcommands().values());
    commands.addAll(
        Objects.requireNonNull(root.getSubcommands().get("key")).getSubcommands().values());
    for (CommandLine command : commands) {
      CommandSpec spec = command.getCommandSpec();
      String name = spec.name();
      for (OptionSpec option : spec.options()) {
        String text = String.join(" ", option.description());
        assertThat(text).as(name + " " + option.longestName()).endsWith(".");
        if (option.arity().max() > 0 && !option.required() && !isSource(option)) {
          assertThat(text).as(name + " " + option.longestName()).contains("Default: ");
        }
      }
    }
  }

  /** Of these one must be given. */
  private static boolean isSource(OptionSpec option) {
    return List.of("--qmp", "--image", "--nbd").contains(option.longestName());
  }

  @Test
  void saysThatThereIsNoRepository(@TempDir Path dir) {
    TestRun run = TestRun.of("-r", dir.toString(), "snapshots");

    assertThat(run.code()).isEqualTo(10);
    assertThat(run.err()).contains(dir.toString(), "nbdvault -r REPO init");
    assertThat(run.err().lines()).hasSize(1);
  }

  @Test
  void refusesToMakeARepositoryAmongOtherFiles(@TempDir Path dir) throws IOException {
    Path file = Files.createFile(dir.resolve("file"));

    TestRun run = TestRun.of("init", "-r", dir.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .isEqualTo("nbdvault: " + dir + " is not empty; name an empty or a new directory\n");
    TestRun notADirectory = TestRun.of("init", "-r", file.toString());
    assertThat(notADirectory.code()).isEqualTo(2);
    assertThat(notADirectory.err()).isEqualTo("nbdvault: " + file + " is not a directory\n");
    TestRun noParent = TestRun.of("init", "-r", dir.resolve("no/repository").toString());
    assertThat(noParent.code()).isEqualTo(2);
    assertThat(noParent.err())
        .isEqualTo("nbdvault: directory " + dir.resolve("no") + " does not exist\n");
    assertThat(dir).isDirectoryContaining(file::equals);
  }
}
