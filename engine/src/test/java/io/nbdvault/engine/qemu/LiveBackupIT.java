package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The main job on a real QEMU: full, then incremental, restored and compared. */
class LiveBackupIT {
  private static final int SIZE = 16 << 20;

  @TempDir Path directory;

  @Test
  void incrementalHoldsExactlyWhatTheDisksHeldAtItsInstant() throws Exception {
    Path qcow2 = directory.resolve("a.qcow2");
    Path raw = directory.resolve("b.raw");
    QemuImg.create(qcow2, "qcow2", SIZE);
    QemuImg.create(raw, "raw", SIZE);
    DiskModel vda = new DiskModel(SIZE);
    DiskModel vdb = new DiskModel(SIZE);
    BackupBench bench = BackupBench.create(directory, "repository");
    try (QemuVm vm =
        QemuVm.builder(directory).disk("vda", qcow2, "qcow2").disk("vdb", raw, "raw").start()) {
      vda.write(vm, "vda", 0, 1 << 20, 1);
      vdb.write(vm, "vdb", 300_032, 700_416, 2);
      SnapshotRecord full = bench.backup(BackupBench.live("vm", vm.toolSocket()));
      byte[] vdaFull = vda.copy();
      byte[] vdbFull = vdb.copy();

      vda.write(vm, "vda", 65536, 65536, 3);
      vda.writeZeroes(vm, "vda", 524288, 131072);
      vdb.write(vm, "vdb", 8 << 20, 4096, 4);
      SnapshotRecord incremental = bench.backup(BackupBench.live("vm", vm.toolSocket()));

      assertThat(incremental.disks()).allMatch(disk -> disk.incremental());
      assertThat(incremental.disk("vda").orElseThrow().statistics().readBytes()).isEqualTo(65536);
      assertThat(incremental.disk("vdb").orElseThrow().statistics().readBytes()).isEqualTo(65536);
      bench.assertRestores(full, "vda", vdaFull);
      bench.assertRestores(full, "vdb", vdbFull);
      bench.assertRestores(incremental, "vda", vda.copy());
      bench.assertRestores(incremental, "vdb", vdb.copy());
      QemuState state = new QemuState(vm.testMonitor());
      state.assertNothingOfOurs(directory);
      assertThat(state.ourBitmaps()).hasSize(2).allMatch(b -> b.endsWith(incremental.id().hex()));
    }
  }
}
