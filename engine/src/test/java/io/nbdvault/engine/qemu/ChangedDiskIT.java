package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk that another size or another chain of images has come to between two backups. */
@Tag("qemu")
class ChangedDiskIT {
  private static final int SIZE = 8 << 20;
  private static final int CHUNK = 64 << 10;
  private static final Duration JOB_MAX = Duration.ofSeconds(20);

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "raw"})
  void diskThatGrewWhileRunningIsReadInFull(String format) throws Exception {
    int grown = SIZE + (1 << 20) + 512;
    try (BackedUpVm vm = filled(format)) {
      var unused = vm.backUp();
      resize(vm, grown);
      vm.write("vda", grown - CHUNK, CHUNK, 7);
      assertFullThenIncremental(vm, "its size changed from " + SIZE + " to " + grown + " bytes");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "raw"})
  void diskThatShrankIsReadInFull(String format) throws Exception {
    int shrunk = SIZE / 2 + 4096;
    try (BackedUpVm vm = filled(format)) {
      var unused = vm.backUp();
      resize(vm, shrunk);
      assertFullThenIncremental(vm, "its size changed from " + SIZE + " to " + shrunk + " bytes");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "qcow2, ",
    "raw, 'QEMU was restarted, and this image cannot keep a bitmap'",
  })
  void contentPastTheCutIsGoneWhenAnImageShrankAndGrewAgainWhileStopped(
      String format, String reason) throws Exception {
    int cut = SIZE / 2 + CHUNK / 2;
    try (BackedUpVm vm = filled(format)) {
      var unused = vm.backUp();
      vm.quit();
      QemuImg.resize(vm.image("vda"), format, cut);
      QemuImg.resize(vm.image("vda"), format, SIZE);
      vm.start();
      int gone = format.equals("raw") ? cut : SIZE / 2 + CHUNK; // qcow2: whole clusters only.
      vm.model("vda").note(gone, SIZE - gone, 0);
      DiskRecord second = vm.backUp().disk("vda").orElseThrow();
      assertThat(second.fullReason().orElse(null)).isEqualTo(reason);
      assertNextIsIncremental(vm);
    }
  }

  @ParameterizedTest(name = "cut at {0}")
  @ValueSource(ints = {4194304, 4227072, 4194816})
  void rawImageThatShrankAndGrewAgainWhileRunningIsReadInFull(int cut) throws Exception {
    try (BackedUpVm vm = filled("raw")) {
      var unused = vm.backUp();
      resizeOnly(vm, cut);
      resizeOnly(vm, SIZE);
      vm.model("vda").note(cut, SIZE - cut, 0);
      assertFullThenIncremental(
          vm, "its size was changed, and changed back, since its last snapshot");
    }
  }

  /** qcow2 lets go of whole clusters, and says so: no mark is needed. */
  @ParameterizedTest(name = "clusters of {0} bytes, cut at {1}")
  @CsvSource({
    "65536, 4194304, 4194304",
    "65536, 4227072, 4259840",
    "65536, 4194816, 4259840",
    "4096,  4214784, 4214784",
    "4096,  4215296, 4218880"
  })
  void contentPastTheCutIsGoneWhenAQcow2ShrankAndGrewAgainWhileRunning(
      int cluster, int cut, int goneFrom) throws Exception {
    try (BackedUpVm vm = filled("qcow2", "cluster_size=" + cluster)) {
      var unused = vm.backUp();
      resizeOnly(vm, cut);
      resizeOnly(vm, SIZE);
      vm.model("vda").note(goneFrom, SIZE - goneFrom, 0);
      DiskRecord second = vm.backUp().disk("vda").orElseThrow();
      assertThat(second.incremental()).isTrue();
      assertNextIsIncremental(vm);
    }
  }

  @Test
  void externalSnapshotIsNoticedAndSoIsItsCommit() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      Path base = vm.image("vda").toRealPath();
      SnapshotRecord first = vm.backUp();
      vm.write("vda", CHUNK, CHUNK, 3);
      Path overlay = snapshot(vm);
      vm.write("vda", 3 * CHUNK, CHUNK, 4);
      assertFullThenIncremental(
          vm,
          "its images changed from ["
              + base
              + "] to ["
              + overlay
              + ", "
              + base
              + "] (an external snapshot?)");

      commitBack(vm);
      assertFullThenIncremental(
          vm,
          "its images changed from ["
              + overlay
              + ", "
              + base
              + "] to ["
              + base
              + "] (an external snapshot?)");
      assertThat(vm.state().ourBitmaps())
          .hasSize(1)
          .noneMatch(name -> name.endsWith(first.id().hex()));
    }
  }

  @Test
  void externalSnapshotThatCameAndWentBetweenTwoBackupsLosesNothing() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      var unused = vm.backUp();
      vm.write("vda", CHUNK, CHUNK, 3);
      var unusedOverlay = snapshot(vm);
      vm.write("vda", 3 * CHUNK, CHUNK, 4);
      commitBack(vm);
      vm.write("vda", 5 * CHUNK, CHUNK, 5);
      DiskRecord second = vm.backUp().disk("vda").orElseThrow();
      assertThat(second.fullReason()).isEmpty();
      assertThat(second.statistics().readBytes()).isEqualTo(3 * CHUNK);
      assertNextIsIncremental(vm);
    }
  }

  @Test
  void overlayThatWasCommittedWhileStoppedLosesNothing() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      var unused = vm.backUp();
      vm.quit();
      Path base = vm.image("vda");
      Path overlay = directory.resolve("overlay.qcow2");
      QemuImg.createOverlay(overlay, base, "qcow2");
      vm.useImage("vda", overlay, "qcow2");
      vm.start();
      vm.write("vda", 3 * CHUNK, CHUNK, 4);
      vm.quit();
      var unusedOutput = QemuImg.run(List.of("commit", "-q", "-f", "qcow2", overlay.toString()));
      vm.useImage("vda", base, "qcow2");
      vm.start();
      DiskRecord second = vm.backUp().disk("vda").orElseThrow();
      assertThat(second.fullReason()).isEmpty();
      assertThat(second.statistics().readBytes()).isEqualTo(CHUNK);
      assertNextIsIncremental(vm);
    }
  }

  /** A VM that runs with {@code vda}, written from end to end. */
  private BackedUpVm filled(String format, String... options) throws Exception {
    BackedUpVm vm = new BackedUpVm(directory).disk("vda", format, SIZE, options).start();
    vm.write("vda", 0, SIZE / 2, 1);
    vm.write("vda", SIZE / 2, SIZE / 2, 2);
    return vm;
  }

  private static void resize(BackedUpVm vm, int sizeBytes) throws IOException {
    resizeOnly(vm, sizeBytes);
    vm.model("vda").resize(sizeBytes);
  }

  private static void resizeOnly(BackedUpVm vm, int sizeBytes) throws IOException {
    var unused = vm.qmp("block_resize", "{'node-name': 'vda-node', 'size': " + sizeBytes + "}");
  }

  private Path snapshot(BackedUpVm vm) throws IOException {
    Path overlay = directory.toRealPath().resolve("snapshot.qcow2");
    var unused =
        vm.qmp(
            "blockdev-snapshot-sync",
            "{'node-name': 'vda-node', 'snapshot-node-name': 'snapshot-node', 'snapshot-file': '"
                + overlay
                + "'}");
    return overlay;
  }

  private static void commitBack(BackedUpVm vm) throws Exception {
    var unused = vm.qmp("block-commit", "{'device': 'snapshot-node', 'job-id': 'commit'}");
    long deadline = System.nanoTime() + JOB_MAX.toNanos();
    boolean completing = false;
    while (!vm.commands().queryJobs().isEmpty()) {
      assertThat(System.nanoTime() - deadline).as("the commit takes too long").isNegative();
      if (!completing
          && vm.commands().queryJobs().stream().anyMatch(j -> j.status().equals("ready"))) {
        var unusedReply = vm.qmp("block-job-complete", "{'device': 'commit'}");
        completing = true;
      }
      Thread.sleep(10);
    }
  }

  private static void assertFullThenIncremental(BackedUpVm vm, String reason) throws Exception {
    DiskRecord full = vm.backUp().disk("vda").orElseThrow();
    assertThat(full.fullReason()).contains(reason);
    assertThat(full.incremental()).isFalse();
    assertNextIsIncremental(vm);
  }

  private static void assertNextIsIncremental(BackedUpVm vm) throws Exception {
    vm.write("vda", 21 * CHUNK + 512, CHUNK, 21);
    DiskRecord disk = vm.backUp().disk("vda").orElseThrow();
    assertThat(disk.fullReason()).isEmpty();
    assertThat(disk.incremental()).isTrue();
    assertThat(disk.statistics().readBytes()).isEqualTo(2 * CHUNK);
  }
}
