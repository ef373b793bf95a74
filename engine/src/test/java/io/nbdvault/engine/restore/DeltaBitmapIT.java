package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.qmp.testkit.QemuImg;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stopped VM's image goes back to the latest snapshot, and its bitmap says what to read. */
class DeltaBitmapIT {
  private static final int SIZE = 8 << 20;
  private static final int CHUNK = 64 << 10;

  @TempDir Path directory;

  /** A VM whose disk is half full, and has a snapshot. */
  private BackedUpVm filled() throws Exception {
    BackedUpVm vm = new BackedUpVm(directory).disk("vda", "qcow2", SIZE).start();
    vm.write("vda", 0, SIZE / 2, 1);
    return vm;
  }

  private static DeltaRun revert(BackedUpVm vm, SnapshotRecord snapshot) throws Exception {
    return DeltaRun.of(vm.bench().repository(), DeltaRun.request(snapshot, "vda", vm.image("vda")));
  }

  private void assertImageHolds(BackedUpVm vm, byte[] expected) throws Exception {
    QemuImg.check(vm.image("vda"));
    Path raw = Files.write(directory.resolve("expected.raw"), expected);
    QemuImg.compare(vm.image("vda"), "qcow2", raw, "raw");
  }

  private static SnapshotRecord backUpStopped(BackedUpVm vm) throws Exception {
    BackupRequest.Image image = new BackupRequest.Image("vda", vm.image("vda"), "qcow2");
    return vm.bench()
        .backup(
            BackupBench.request(BackedUpVm.NAME, new BackupRequest.StoppedImages(List.of(image))));
  }

  private static String bitmapOf(SnapshotRecord snapshot) {
    return snapshot.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName();
  }

  @Test
  void readsOnlyWhatTheBitmapSaysAndRemovesIt() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord snapshot = vm.backUp();
      byte[] wanted = vm.model("vda").copy();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.write("vda", 20 * CHUNK, 3 * CHUNK, 1); // What it had before: dirty, and equal.
      vm.write("vda", 100 * CHUNK, CHUNK, 4);
      vm.quit();

      DeltaRun run = revert(vm, snapshot);
      assertThat(run.fullReason()).isEmpty();
      assertThat(run.difference())
          .isEqualTo(new DiskDifference(5 * CHUNK, SIZE - 2 * CHUNK, CHUNK, CHUNK));
      assertImageHolds(vm, wanted);
      assertThat(QemuImg.bitmaps(vm.image("vda"))).isEmpty();
      assertThat(run.events()).contains(new JobEvent.Removed("bitmap", bitmapOf(snapshot)));
    }
  }

  @Test
  void nextBackupReadsInFullAndTheOneAfterItDoesNot() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord snapshot = vm.backUp();
      byte[] wanted = vm.model("vda").copy();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.quit();
      var unused = revert(vm, snapshot);

      SnapshotRecord next = backUpStopped(vm);
      DiskRecord disk = next.disk("vda").orElseThrow();
      assertThat(disk.fullReason()).contains("the bitmap of its last snapshot is missing");
      assertThat(disk.root()).isEqualTo(snapshot.disk("vda").orElseThrow().root());
      assertThat(disk.statistics().newBytes()).isZero();
      vm.bench().assertRestores(next, "vda", wanted);
      assertThat(backUpStopped(vm).disk("vda").orElseThrow().incremental()).isTrue();
    }
  }

  @Test
  void earlierSnapshotIsRestoredByReadingAndTheBitmapGoesToo() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord earlier = vm.backUp();
      byte[] wanted = vm.model("vda").copy();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      var unused = vm.backUp();
      vm.quit();

      DeltaRun run = revert(vm, earlier);
      assertThat(run.fullReason())
          .contains("there is a later snapshot, and bitmaps record what changed since that");
      assertThat(run.difference().readBytes()).isGreaterThanOrEqualTo(SIZE / 2);
      assertThat(run.difference().writtenBytes()).isEqualTo(CHUNK);
      assertImageHolds(vm, wanted);
      assertThat(QemuImg.bitmaps(vm.image("vda"))).isEmpty();
      vm.bench().assertRestores(backUpStopped(vm), "vda", wanted);
    }
  }

  @Test
  void imageOfAQemuThatWasKilledIsReadWhole() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord snapshot = vm.backUp();
      byte[] wanted = vm.model("vda").copy();
      vm.quit(); // Stores the bitmap, which the next QEMU marks as in use.
      vm.start();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.kill();

      DeltaRun run = revert(vm, snapshot);
      assertThat(run.fullReason())
          .contains("the bitmap of its last snapshot is inconsistent (QEMU was not shut down)");
      assertImageHolds(vm, wanted);
      assertThat(QemuImg.bitmaps(vm.image("vda"))).isEmpty();
    }
  }

  @Test
  void imageUnderAnotherNameIsReadWhole() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord snapshot = vm.backUp();
      byte[] wanted = vm.model("vda").copy();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.quit();
      Path other = directory.resolve("other.qcow2");
      Files.move(vm.image("vda"), other);
      vm.useImage("vda", other, "qcow2");

      DeltaRun run = revert(vm, snapshot);
      assertThat(run.fullReason().orElseThrow()).startsWith("its images changed from [");
      assertImageHolds(vm, wanted);
    }
  }

  @Test
  void bitmapsOfOthersStayAndRecordWhatIsWritten() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord snapshot = vm.backUp();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.quit();
      String foreign = "nbdvault-cp-" + "f".repeat(32) + "-" + "0".repeat(32);
      for (String name : List.of(foreign, "theirs")) {
        String unused = QemuImg.run(List.of("bitmap", "--add", vm.image("vda").toString(), name));
      }
      assertThat(revert(vm, snapshot).difference().writtenBytes()).isEqualTo(CHUNK);
      assertThat(QemuImg.bitmaps(vm.image("vda"))).containsExactlyInAnyOrder(foreign, "theirs");
      vm.start();
      assertThat(vm.bitmap("vda", "theirs").countBytes()).isEqualTo(CHUNK);
    }
  }

  /** What was written meanwhile is in the bitmap, so that it still proves what it did. */
  @Test
  void givenUpMidwayTheBitmapStaysAndTheSameAgainCompletesIt() throws Exception {
    try (BackedUpVm vm = filled()) {
      SnapshotRecord snapshot = vm.backUp();
      byte[] wanted = vm.model("vda").copy();
      vm.write("vda", 0, SIZE, 5);
      vm.quit();
      DeltaRun run =
          DeltaRun.cancelledAtOnce(
              vm.bench().repository(), DeltaRun.request(snapshot, "vda", vm.image("vda")));
      assertThat(run.warnings()).hasSize(1);
      assertThat(QemuImg.bitmaps(vm.image("vda"))).containsExactly(bitmapOf(snapshot));

      DeltaRun again = revert(vm, snapshot);
      assertThat(again.fullReason()).isEmpty();
      assertImageHolds(vm, wanted);
    }
  }
}
