package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.qmp.block.DirtyBitmapAdd;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A bitmap that cannot be trusted: the disk is read in full, once, and says why. */
@Tag("qemu")
class CheckpointIT {
  private static final int SIZE = 8 << 20;
  private static final int CHUNK = 64 << 10;

  @TempDir Path directory;

  @Test
  void missingBitmapIsReadInFull() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      SnapshotRecord first = vm.backUp();
      vm.commands().dirtyBitmapRemove("vda-node", bitmapOf(first, "vda"));
      assertVdaFullThenIncremental(vm, "the bitmap of its last snapshot is missing");
    }
  }

  @Test
  void bitmapThatQemuCouldNotSaveIsInconsistentAndReadInFull() throws Exception {
    try (BackedUpVm vm = new BackedUpVm(directory).disk("vda", "qcow2", SIZE).start()) {
      vm.write("vda", 0, 1 << 20, 1);
      SnapshotRecord first = vm.backUp();
      vm.quit();
      vm.start();
      vm.write("vda", CHUNK, CHUNK, 2);
      vm.qemu().guestFlush("vda");
      vm.kill();
      vm.start();
      assertThat(vm.bitmap("vda", bitmapOf(first, "vda")).inconsistent()).isTrue();

      assertFullThenIncremental(
          vm, "vda", "the bitmap of its last snapshot is inconsistent (QEMU was not shut down)");
    }
  }

  @Test
  void bitmapThatWasNeverSavedIsMissingAfterAKillAndReadInFull() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      var unused = vm.backUp();
      vm.write("vda", CHUNK, CHUNK, 2);
      vm.qemu().guestFlush("vda");
      vm.kill();
      vm.start();
      assertThat(vm.bitmaps("vda")).isEmpty();

      SnapshotRecord full =
          assertFullThenIncremental(vm, "vda", "the bitmap of its last snapshot is missing");
      assertThat(full.disk("vdb").orElseThrow().fullReason())
          .contains("QEMU was restarted, and this image cannot keep a bitmap");
    }
  }

  @ParameterizedTest(name = "granularity {0}, persistent {1}, disabled {2}: {3}")
  @CsvSource({
    "32768, true,  false, the bitmap of its last snapshot is not the one that was recorded",
    "65536, false, false, the bitmap of its last snapshot is not the one that was recorded",
    "65536, true,  true,  the bitmap of its last snapshot was not recording"
  })
  void bitmapThatOnlyHasTheNameIsReadInFull(
      long granularity, boolean persistent, boolean disabled, String reason) throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      String name = bitmapOf(vm.backUp(), "vda");
      vm.write("vda", 2 * CHUNK, CHUNK, 5);
      vm.commands().dirtyBitmapRemove("vda-node", name);
      vm.commands()
          .dirtyBitmapAdd(new DirtyBitmapAdd("vda-node", name, granularity, persistent, disabled));
      assertVdaFullThenIncremental(vm, reason);
    }
  }

  @Test
  void bitmapOfSomebodyElseStaysAsItIs() throws Exception {
    try (BackedUpVm vm = new BackedUpVm(directory).disk("vda", "raw", SIZE).start()) {
      vm.write("vda", 0, CHUNK, 1);
      vm.commands().dirtyBitmapAdd(new DirtyBitmapAdd("vda-node", "theirs", 4096, false, false));
      vm.write("vda", CHUNK, 4096, 2);
      for (int backup = 0; backup < 2; backup++) {
        SnapshotRecord snapshot = vm.bench().backup(vm.request());
        vm.assertHoldsTheModels(snapshot);
        vm.state().assertNothingOfOurs(directory);
        assertThat(vm.bitmaps("vda"))
            .containsExactlyInAnyOrder("theirs", bitmapOf(snapshot, "vda"));
        assertThat(vm.bitmap("vda", "theirs").countBytes()).isEqualTo(4096);
      }
    }
  }

  @Test
  void qcow2GoesOnAfterQemuWasQuitAndRawIsReadInFull() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      var unused = vm.backUp();
      vm.write("vda", 3 * CHUNK, 512, 3);
      vm.write("vdb", 3 * CHUNK, 512, 3);
      vm.quit();
      vm.start();
      vm.write("vda", 5 * CHUNK, 512, 4);
      vm.write("vdb", 5 * CHUNK, 512, 4);
      SnapshotRecord second = vm.backUp();

      DiskRecord vda = second.disk("vda").orElseThrow();
      assertThat(vda.fullReason()).isEmpty();
      assertThat(vda.incremental()).isTrue();
      assertThat(vda.statistics().readBytes()).isEqualTo(2 * CHUNK);
      DiskRecord vdb = second.disk("vdb").orElseThrow();
      assertThat(vdb.incremental()).isFalse();
      assertThat(vdb.fullReason())
          .contains("QEMU was restarted, and this image cannot keep a bitmap");
      assertNextIsIncremental(vm, "vda");
      assertNextIsIncremental(vm, "vdb");
    }
  }

  @Test
  void diskThatWasAddedIsReadInFullAndTheOthersAreNot() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      var unused = vm.backUp();
      vm.write("vda", 3 * CHUNK, CHUNK, 3);
      vm.quit();
      vm.disk("vdc", "qcow2", 2 * SIZE);
      vm.start();
      vm.write("vdc", 7 * CHUNK, 3 * CHUNK, 4);
      SnapshotRecord second = vm.backUp();

      assertThat(second.disks()).extracting(DiskRecord::name).containsExactly("vda", "vdb", "vdc");
      assertThat(second.disk("vda").orElseThrow().fullReason()).isEmpty();
      assertThat(second.disk("vda").orElseThrow().statistics().readBytes()).isEqualTo(CHUNK);
      assertThat(second.disk("vdc").orElseThrow().fullReason())
          .contains("first backup of this disk");
      assertNextIsIncremental(vm, "vdc");
    }
  }

  @Test
  void diskThatWasPluggedInWhileRunningIsReadInFull() throws Exception {
    try (BackedUpVm vm =
        new BackedUpVm(directory)
            .disk("vda", "qcow2", SIZE)
            .with(builder -> builder.args("-device", "pcie-root-port,id=rp0"))
            .start()) {
      var unused = vm.backUp();
      vm.disk("vdb", "qcow2", SIZE);
      var unusedNode =
          vm.qmp(
              "blockdev-add",
              "{'driver': 'qcow2', 'node-name': 'vdb-node', 'file': {'driver': 'file', 'filename':"
                  + " '"
                  + vm.image("vdb")
                  + "'}}");
      var unusedDevice =
          vm.qmp(
              "device_add",
              "{'driver': 'virtio-blk-pci', 'id': 'vdb', 'bus': 'rp0', 'drive': 'vdb-node'}");
      vm.write("vda", 0, CHUNK, 1);
      SnapshotRecord full = assertFullThenIncremental(vm, "vdb", "first backup of this disk");
      assertThat(full.disk("vda").orElseThrow().incremental()).isTrue();
    }
  }

  @Test
  void diskThatWasRenamedIsReadInFullAndItsOldBitmapGoes() throws Exception {
    try (BackedUpVm vm = new BackedUpVm(directory).disk("vda", "qcow2", SIZE).start()) {
      vm.write("vda", 0, 1 << 20, 1);
      SnapshotRecord first = vm.backUp();
      vm.quit();
      vm.rename("vda", "system");
      vm.start();
      assertThat(vm.bitmaps("system")).containsExactly(bitmapOf(first, "vda"));
      assertFullThenIncremental(vm, "system", "first backup of this disk");
    }
  }

  @Test
  void fullIsReadInFullWhenAskedFor() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      var unused = vm.backUp();
      vm.write("vda", 3 * CHUNK, CHUNK, 3);
      BackupRequest all = vm.request();
      SnapshotRecord full =
          vm.backUp(
              new BackupRequest(
                  all.vm(),
                  all.source(),
                  all.disks(),
                  all.exclude(),
                  true,
                  all.tags(),
                  all.force(),
                  all.scratch(),
                  all.guestAgent(),
                  all.freeze(),
                  all.rateLimitBytesPerSecond()));
      assertThat(full.disks())
          .allSatisfy(
              disk -> {
                assertThat(disk.incremental()).isFalse();
                assertThat(disk.fullReason()).contains("asked for with --full");
              });
      // What the repository has is not stored again.
      assertThat(full.disk("vda").orElseThrow().statistics().newBytes()).isEqualTo(CHUNK);
      assertNextIsIncremental(vm, "vda");
      assertNextIsIncremental(vm, "vdb");
    }
  }

  /** A VM that runs: {@code vda}, qcow2, and {@code vdb}, raw, both with something in them. */
  private BackedUpVm twoDisks() throws Exception {
    BackedUpVm vm =
        new BackedUpVm(directory).disk("vda", "qcow2", SIZE).disk("vdb", "raw", SIZE).start();
    vm.write("vda", 0, 1 << 20, 1);
    vm.write("vdb", 100 * 512, 1 << 20, 2);
    return vm;
  }

  private static String bitmapOf(SnapshotRecord snapshot, String disk) {
    return snapshot.disk(disk).orElseThrow().checkpoint().orElseThrow().bitmapName();
  }

  /** As below, and the other disk is not read in full for it. */
  private static void assertVdaFullThenIncremental(BackedUpVm vm, String reason) throws Exception {
    SnapshotRecord full = assertFullThenIncremental(vm, "vda", reason);
    assertThat(full.disk("vdb").orElseThrow().incremental()).isTrue();
  }

  private static SnapshotRecord assertFullThenIncremental(BackedUpVm vm, String disk, String reason)
      throws Exception {
    vm.write(disk, 20 * CHUNK, CHUNK, 20);
    SnapshotRecord full = vm.backUp();
    assertThat(full.disk(disk).orElseThrow().fullReason()).contains(reason);
    assertThat(full.disk(disk).orElseThrow().incremental()).isFalse();
    assertNextIsIncremental(vm, disk);
    return full;
  }

  private static void assertNextIsIncremental(BackedUpVm vm, String name) throws Exception {
    vm.write(name, 21 * CHUNK + 512, CHUNK, 21);
    DiskRecord disk = vm.backUp().disk(name).orElseThrow();
    assertThat(disk.fullReason()).isEmpty();
    assertThat(disk.incremental()).isTrue();
    assertThat(disk.statistics().readBytes()).isEqualTo(2 * CHUNK);
  }
}
