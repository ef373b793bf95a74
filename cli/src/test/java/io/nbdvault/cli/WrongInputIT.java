package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.engine.testkit.LoopMount;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpOptions;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What cannot be done is refused in one sentence, with the right exit code, and changes nothing.
 */
class WrongInputIT {
  private static final int SIZE = 48 << 20;
  private static final Duration RUN_MAX = Duration.ofSeconds(60);

  /** Everything that a run might change, but for the repository. */
  @TempDir static Path directory;

  /** What runs print, and their temporary files. */
  @TempDir static Path output;

  private static BackedUpVm vm;
  private static SnapshotRecord snapshot;
  private static Path thirdMonitor;
  private static Path humanMonitor;

  @BeforeAll
  static void backUpOnce() throws Exception {
    thirdMonitor = directory.resolve("third.qmp");
    humanMonitor = directory.resolve("hmp");
    vm = new BackedUpVm(directory).disk("vda", "raw", SIZE);
    byte[] filled = new byte[SIZE];
    new Random(6).nextBytes(filled);
    vm.model("vda").note(0, filled);
    Files.write(vm.image("vda"), filled);
    vm.with(
            builder ->
                builder.args(
                    "-qmp",
                    "unix:" + thirdMonitor + ",server=on,wait=off",
                    "-monitor",
                    "unix:" + humanMonitor + ",server=on,wait=off"))
        .start();
    snapshot = vm.backUp();
  }

  @AfterAll
  static void stop() throws IOException {
    vm.close();
  }

  private static String repository() {
    return vm.bench().repository().toString();
  }

  private static String socket() {
    return vm.qemu().toolSocket().toString();
  }

  /** Runs with the repository; see {@link #assertRefused}. */
  private static void assertBackupRefused(int code, String sentence, String... options)
      throws Exception {
    List<String> arguments = new ArrayList<>(List.of("-r", repository(), "backup", "vm"));
    arguments.addAll(List.of(options));
    assertRefused(code, sentence, arguments.toArray(String[]::new));
  }

  private static void assertRefused(int code, String sentence, String... arguments)
      throws Exception {
    List<String> before = state();
    NbdvaultProcess.Result result = NbdvaultProcess.run(output, arguments);
    assertThat(result.stderr()).startsWith("nbdvault: ").contains(sentence).endsWith("\n");
    assertThat(result.stderr().lines()).as("one sentence").hasSize(1);
    assertThat(result.exitCode()).isEqualTo(code);
    assertThat(result.stdout()).isEmpty();
    assertThat(state()).as("nothing has changed").isEqualTo(before);
    assertThat(NbdvaultProcess.temporary(output)).isEmptyDirectory();
  }

  /** The files outside the repository, the snapshots in it, and all that QEMU may have of ours. */
  private static List<String> state() throws Exception {
    List<String> state = new ArrayList<>();
    for (Path file : filesOutsideTheRepository()) {
      // A directory's own time also changes when something comes and goes again.
      state.add(
          Files.isDirectory(file)
              ? file.toString()
              : file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file));
    }
    vm.bench().snapshots().forEach(s -> state.add(s.id().hex()));
    state.addAll(vm.bitmaps("vda"));
    vm.commands().queryNamedBlockNodes().forEach(node -> state.add(node.nodeName()));
    vm.commands().queryJobs().forEach(job -> state.add(job.id()));
    vm.commands().qomList("/objects").forEach(object -> state.add(object.name()));
    return state;
  }

  /** Does not look into the repository: who has it open makes and deletes files there. */
  private static List<Path> filesOutsideTheRepository() throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path visited, BasicFileAttributes attributes) {
            if (visited.startsWith(repository())) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            found.add(visited);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            found.add(file);
            return FileVisitResult.CONTINUE;
          }
        });
    return found.stream().sorted().toList();
  }

  @Test
  void whatIsNotAQmpSocketIsNamed() throws Exception {
    String missing = directory.resolve("missing.qmp").toString();
    assertBackupRefused(ExitCode.FAILED, missing, "--qmp", missing);
    String file = vm.image("vda").toString();
    assertBackupRefused(ExitCode.FAILED, file, "--qmp", file);
    assertBackupRefused(
        ExitCode.FAILED, humanMonitor + ": not a QMP socket", "--qmp", humanMonitor.toString());
    try (ExternalServer nbdkit = ExternalServer.nbdkit(output, "memory", "1M")) {
      String socket = socketOf(nbdkit);
      assertBackupRefused(ExitCode.FAILED, socket + ": not a QMP socket", "--qmp", socket);
      assertRefused(ExitCode.FAILED, socket + ": not a QMP socket", "cleanup", "--qmp", socket);
    }
  }

  private static String socketOf(ExternalServer server) {
    String uri = server.uri().toString();
    return uri.substring(uri.indexOf("socket=") + "socket=".length());
  }

  @Test
  void qmpSocketThatSomebodyElseUsesIsRefusedWithinSeconds() throws Exception {
    try (QmpClient somebody = QmpClient.connect(Path.of(socket()), QmpOptions.defaults())) {
      long beganNanos = System.nanoTime();
      assertBackupRefused(ExitCode.FAILED, "another client is using it", "--qmp", socket());
      assertThat(Duration.ofNanos(System.nanoTime() - beganNanos))
          .isLessThan(Duration.ofSeconds(20));
      assertThat(somebody.isOpen()).isTrue();
    }
  }

  @Test
  void disksAndImagesThatCannotBeHadAreNamed() throws Exception {
    assertBackupRefused(
        ExitCode.USAGE, "no disk 'vdz' (there is: vda)", "--qmp", socket(), "--disk", "vdz");
    assertBackupRefused(
        ExitCode.USAGE, "no disk 'vdz' (there is: vda)", "--qmp", socket(), "--exclude", "vdz");
    Path image = vm.image("vda");
    assertBackupRefused(
        ExitCode.FAILED,
        "image " + image + " is in use: if its VM is running",
        "--image",
        "vda=" + image + ",format=raw");
    assertBackupRefused(
        ExitCode.USAGE,
        "image /nowhere/x.raw does not exist",
        "--image",
        "vda=/nowhere/x.raw,format=raw");
    assertBackupRefused(
        ExitCode.USAGE,
        "image " + directory + " is a directory",
        "--image",
        "vda=" + directory + ",format=raw");
    assertBackupRefused(
        ExitCode.FAILED,
        "disk 'vda': ",
        "--nbd",
        "vda=nbd+unix:///?socket=" + directory.resolve("missing.sock"));
  }

  @Test
  void scratchWithoutRoomIsRefusedBeforeTheGuestIsTouched() throws Exception {
    assertBackupRefused(
        ExitCode.USAGE, "is in memory (tmpfs)", "--qmp", socket(), "--scratch", "/dev/shm");
    assertBackupRefused(
        ExitCode.USAGE, "does not exist", "--qmp", socket(), "--scratch", "/nowhere");
    try (LoopMount small = LoopMount.create(output, "scratch", 16 << 20)) {
      assertBackupRefused(
          ExitCode.FAILED,
          "MiB free and a backup keeps 128 MiB free",
          "--qmp",
          socket(),
          "--scratch",
          small.path().toString());
    }
  }

  @Test
  void repositoryWithoutRoomFailsAndPutsTheVmBack() throws Exception {
    try (LoopMount small = LoopMount.create(output, "full", 32 << 20)) {
      Path full = small.path().resolve("repository");
      Repositories.create(full, RepositoryOptions.defaults());
      assertRefused(
          ExitCode.FAILED,
          "There is no space left on the file system of the repository " + full,
          "-q",
          "-r",
          full.toString(),
          "backup",
          "vm",
          "--qmp",
          socket());
      try (ChunkStore store = Repositories.openReadOnly(full)) {
        assertThat(store.snapshots()).isEmpty();
      }
    }
  }

  @Test
  void targetsThatDoNotFitAreLeftAsTheyAre() throws Exception {
    Path tooSmall = Files.write(directory.resolve("small.raw"), new byte[1 << 20]);
    try (ExternalServer server = ExternalServer.qemuNbd(output, "-f", "raw", tooSmall.toString())) {
      assertRestoreRefused(
          ExitCode.FAILED,
          "is too small: it has 1048576 bytes and disk vda has " + SIZE,
          server.uri().toString());
    }
    assertThat(tooSmall).hasBinaryContent(new byte[1 << 20]);
    assertRestoreRefused(
        ExitCode.FAILED, tooSmall + " exists; --force replaces it", tooSmall.toString());
    assertRestoreRefused(ExitCode.USAGE, "/nowhere does not exist", "/nowhere/vda.raw");
    assertRefused(
        ExitCode.USAGE,
        "has no disk 'vdz' (it has: vda)",
        "-r",
        repository(),
        "restore",
        "vm@latest",
        "--disk",
        "vdz",
        "--to",
        directory.resolve("new.raw").toString());
  }

  private static void assertRestoreRefused(int code, String sentence, String target)
      throws Exception {
    assertRefused(
        code, sentence, "-r", repository(), "restore", snapshot.id().hex(), "--to", target);
  }

  @Test
  void snapshotNamesThatMeanNoneOrSeveralAreRefused() throws Exception {
    Path other = output.resolve("ambiguous");
    Repositories.create(other, RepositoryOptions.defaults());
    String prefix;
    try (ChunkStore store = Repositories.open(other)) {
      prefix = StoredSnapshots.commitTwoOfOnePrefix(store);
    }
    assertRefused(
        ExitCode.USAGE,
        prefix + " is ambiguous: the ids of 2 snapshots begin with it",
        "-r",
        other.toString(),
        "restore",
        prefix,
        "--to",
        directory.resolve("new.raw").toString());
    assertRefused(
        ExitCode.USAGE, "no snapshot of VM 'web'", "-r", repository(), "show", "web@latest");
  }

  @Test
  void repositoriesThatAreMissingOrNewerOrInUseAreToldApart() throws Exception {
    Path none = Files.createDirectories(output.resolve("none"));
    assertRefused(
        ExitCode.NO_REPOSITORY,
        "There is no repository at " + none,
        "-r",
        none.toString(),
        "backup",
        "vm",
        "--qmp",
        socket());
    assertThat(none).isEmptyDirectory();

    Path newer = output.resolve("newer");
    Repositories.create(newer, RepositoryOptions.defaults());
    Path config = newer.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).containsPattern("\"formatVersion\" : [0-9]+,");
    Files.writeString(config, text.replaceFirst("(\"formatVersion\" : )[0-9]+", "$199"));
    for (String command : List.of("snapshots", "backup")) {
      List<String> arguments = new ArrayList<>(List.of("-r", newer.toString(), command));
      arguments.addAll(command.equals("backup") ? List.of("vm", "--qmp", socket()) : List.of());
      assertRefused(ExitCode.FAILED, "has format version 99", arguments.toArray(String[]::new));
    }

    try (ChunkStore held = Repositories.open(Path.of(repository()))) {
      assertThat(held.snapshots()).hasSize(1);
      assertBackupRefused(
          ExitCode.REPOSITORY_IN_USE,
          "is in use by process " + ProcessHandle.current().pid() + ".",
          "--qmp",
          socket());
    }
  }

  @Test
  void vmThatAnotherRunBacksUpIsBusyOnEveryMonitor() throws Exception {
    Path other = output.resolve("other");
    Repositories.create(other, RepositoryOptions.defaults());
    List<String> slow =
        List.of(
            "-r",
            other.toString(),
            "--json",
            "backup",
            "vm",
            "--qmp",
            socket(),
            "--rate-limit",
            "1M");
    try (NbdvaultProcess first = NbdvaultProcess.start(output, (run, line) -> {}, slow)) {
      first.awaitEvent("disk-started", RUN_MAX);
      String sentence = "this VM is being backed up by another run (pid " + first.pid() + ")";
      assertBackupRefused(ExitCode.VM_BUSY, sentence, "--qmp", socket());
      assertBackupRefused(ExitCode.VM_BUSY, sentence, "--qmp", thirdMonitor.toString());
      assertRefused(ExitCode.VM_BUSY, sentence, "cleanup", "--qmp", thirdMonitor.toString());
      assertThat(first.isAlive()).isTrue();
      first.signal("TERM");
      var unused = first.awaitExit(ExitCode.INTERRUPTED, RUN_MAX);
    }
    vm.state().assertNothingOfOurs(directory);
  }

  @Test
  void commandLinesThatMakeNoSenseAreRefused() throws Exception {
    assertRefused(ExitCode.USAGE, "there is no command 'backpu'", "backpu");
    assertBackupRefused(ExitCode.USAGE, "--qmp, --image and --nbd");
    assertBackupRefused(ExitCode.USAGE, "Unknown options: '--qpm'", "--qpm", socket());
    assertRefused(
        ExitCode.USAGE,
        "looks like a snapshot's id",
        "-r",
        repository(),
        "backup",
        "dead1",
        "--qmp",
        socket());
  }
}
