package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGINT and SIGTERM: everything is put back within seconds, and the exit code is 130. */
@Tag("long")
class InterruptedRunIT {
  private static final Duration RUN_MAX = Duration.ofSeconds(60);
  private static final Duration END_MAX = Duration.ofSeconds(10);
  private static final long CHUNKS = 64 << 10;

  @TempDir Path directory;
  private final long[] signalledNanos = new long[1];

  private NbdvaultProcess.Listener signal(String name, String event) {
    return NbdvaultProcess.at(
        event,
        run -> {
          signalledNanos[0] = System.nanoTime();
          run.signal(name);
        });
  }

  private void assertInterrupted(NbdvaultProcess run) throws Exception {
    NbdvaultProcess.Result result = run.awaitExit(ExitCode.INTERRUPTED, RUN_MAX);
    assertThat(Duration.ofNanos(System.nanoTime() - signalledNanos[0])).isLessThan(END_MAX);
    assertThat(result.stderr()).isEqualTo("nbdvault: interrupted\n");
    assertThat(NbdvaultProcess.event(result, "error").path("code").asInt())
        .isEqualTo(ExitCode.INTERRUPTED);
  }

  @Test
  void signalDuringALiveBackupPutsTheVmBackAndCommitsNothing() throws Exception {
    try (RecordedVm vm = new RecordedVm(directory, new Random(3))) {
      SnapshotRecord first = vm.backUp();
      for (String[] when :
          new String[][] {
            {"INT", "started"},
            {"TERM", "point-in-time"},
            {"INT", "disk-started"},
            {"TERM", "progress"},
            {"HUP", "progress"}
          }) {
        vm.write();
        try (NbdvaultProcess run =
            vm.startBackup(signal(when[0], when[1]), List.of("--full", "--rate-limit", "1M"))) {
          assertInterrupted(run);
        }
        assertThat(vm.recordCommitted(vm.content())).as(Arrays.toString(when)).isEmpty();
        vm.assertLeavesNothingBut(first);
      }
      var unused = vm.backUp();
    }
  }

  @Test
  void signalDuringABackupOfStoppedImagesEndsTheDaemonAndLeavesTheImageAsItWas() throws Exception {
    Path image = directory.resolve("vda.qcow2");
    byte[] content = new byte[8 << 20];
    new Random(4).nextBytes(content);
    QemuImg.convert(Files.write(directory.resolve("vda.raw"), content), "raw", image, "qcow2");
    Path repository = directory.resolve("repository");
    Repositories.create(repository, RepositoryOptions.defaults());
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("-r", repository.toString(), "--json", "backup", "vm"));
    arguments.addAll(List.of("--image", "vda=" + image + ",format=qcow2", "--rate-limit", "1M"));
    for (String[] when :
        new String[][] {{"TERM", "started"}, {"INT", "point-in-time"}, {"TERM", "progress"}}) {
      try (NbdvaultProcess run =
          NbdvaultProcess.start(directory, signal(when[0], when[1]), arguments)) {
        assertInterrupted(run);
      }
      assertThat(QemuImg.bitmaps(image)).isEmpty();
      assertThat(NbdvaultProcess.temporary(directory)).isEmptyDirectory();
      // It could not be opened if a daemon still held its lock.
      QemuImg.check(image);
      assertThat(files(directory)).noneMatch(name -> name.contains("scratch"));
      try (ChunkStore store = Repositories.openReadOnly(repository)) {
        assertThat(store.snapshots()).isEmpty();
      }
    }
  }

  @Test
  void signalDuringARestoreLeavesNeitherTheTargetNorATemporaryFile() throws Exception {
    Path repository = directory.resolve("repository");
    String snapshot = storeLargeDisk(repository);
    Path targets = Files.createDirectory(directory.resolve("targets"));
    for (String[] when : new String[][] {{"INT", "vda.raw"}, {"TERM", "vda.qcow2"}}) {
      Path target = targets.resolve(when[1]);
      List<String> arguments =
          List.of(
              "-r",
              repository.toString(),
              "--json",
              "restore",
              snapshot,
              "--to",
              target.toString());
      try (NbdvaultProcess run =
          NbdvaultProcess.start(directory, signal(when[0], "progress"), arguments)) {
        assertInterrupted(run);
      }
      assertThat(files(targets)).as("after SIG%s", when[0]).isEmpty();
      assertThat(NbdvaultProcess.temporary(directory)).isEmptyDirectory();
    }
  }

  /** A disk of 4 GiB, all of it data, which takes one chunk in the repository. */
  private static String storeLargeDisk(Path repository) throws Exception {
    Repositories.create(repository, RepositoryOptions.defaults());
    byte[] chunk = new byte[64 << 10];
    Arrays.fill(chunk, (byte) 7);
    try (ChunkStore store = Repositories.open(repository);
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      ChunkId id = session.put(chunk, 0, chunk.length).get().id();
      DiskTreeBuilder tree = session.newDisk(CHUNKS * chunk.length, Optional.empty());
      for (long index = 0; index < CHUNKS; index++) {
        tree.append(index, id);
      }
      SnapshotRecord record =
          StoredSnapshots.record(session.snapshotId(), CHUNKS * chunk.length, tree.finish());
      return session.commit(record).id().hex();
    }
  }

  private static List<String> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }
}
