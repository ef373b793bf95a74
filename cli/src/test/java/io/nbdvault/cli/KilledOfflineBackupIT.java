package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGKILL during a backup of a stopped VM's images: no daemon, lock or file stays. */
@Tag("long")
class KilledOfflineBackupIT {
  private static final int SIZE = 16 << 20;
  private static final Duration RUN_MAX = Duration.ofSeconds(60);

  @TempDir Path directory;
  private final DiskModel vda = new DiskModel(SIZE);
  private final DiskModel vdb = new DiskModel(SIZE);
  private Path qcow2;
  private Path raw;
  private BackupBench bench;

  @BeforeEach
  void createImages() throws IOException {
    byte[] filled = new byte[SIZE / 2];
    new Random(1).nextBytes(filled);
    vda.note(0, filled);
    vdb.note(SIZE / 2, filled);
    Path first = Files.write(directory.resolve("vda.first"), vda.copy());
    qcow2 = directory.resolve("vda.qcow2");
    QemuImg.convert(first, "raw", qcow2, "qcow2");
    raw = Files.write(directory.resolve("vdb.raw"), vdb.copy());
    bench = BackupBench.create(directory, "repository");
  }

  @Test
  void killedAtAnyEventItLeavesNoDaemonAndTheNextBackupIsRight() throws Exception {
    for (String event : List.of("started", "point-in-time", "disk-started", "progress")) {
      kill(event);
      assertThat(bench.snapshots()).as("killed at %s", event).isEmpty();
      NbdvaultProcess.assertNoDaemonStays(directory);
    }
    SnapshotRecord full = backUp(1);
    kill("progress");
    NbdvaultProcess.assertNoDaemonStays(directory);
    // With --full, so that what the killed run has left cannot be what it is compared with.
    kill("committed");
    NbdvaultProcess.assertNoDaemonStays(directory);
    assertThat(bench.snapshots()).as("what was said to be safe").hasSize(2);

    SnapshotRecord last = backUp(3);

    assertThat(last.disk("vda").orElseThrow().incremental()).isTrue();
    assertThat(last.disk("vda").orElseThrow().statistics().readBytes()).isZero();
    for (SnapshotRecord snapshot : List.of(full, bench.snapshots().get(1), last)) {
      bench.assertRestores(snapshot, "vda", vda.copy());
      bench.assertRestores(snapshot, "vdb", vdb.copy());
    }
  }

  private List<String> arguments(String... more) {
    return Stream.concat(
            Stream.of(
                "-r",
                bench.repository().toString(),
                "--json",
                "backup",
                "vm",
                "--image",
                "vda=" + qcow2 + ",format=qcow2",
                "--image",
                "vdb=" + raw + ",format=raw"),
            Stream.of(more))
        .toList();
  }

  private void kill(String event) throws Exception {
    // Slow, but for the one that is to get to its end.
    List<String> arguments =
        event.equals("committed") ? arguments("--full") : arguments("--full", "--rate-limit", "4M");
    NbdvaultProcess.Listener killer = NbdvaultProcess.at(event, NbdvaultProcess::kill);
    try (NbdvaultProcess run = NbdvaultProcess.start(directory, killer, arguments)) {
      var unused = run.awaitExit(NbdvaultProcess.KILLED, RUN_MAX);
    }
  }

  private SnapshotRecord backUp(int snapshots) throws Exception {
    try (NbdvaultProcess run =
        NbdvaultProcess.start(directory, (process, line) -> {}, arguments())) {
      var unused = run.awaitExit(ExitCode.OK, RUN_MAX);
    }
    assertThat(bench.snapshots()).hasSize(snapshots);
    SnapshotRecord snapshot = bench.snapshots().get(snapshots - 1);
    QemuImg.check(qcow2);
    assertThat(QemuImg.bitmaps(qcow2))
        .containsExactly(
            snapshot.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName());
    assertThat(NbdvaultProcess.temporary(directory)).as("sockets' directories").isEmptyDirectory();
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.endsWith(".scratch.qcow2"));
    }
    return snapshot;
  }
}
