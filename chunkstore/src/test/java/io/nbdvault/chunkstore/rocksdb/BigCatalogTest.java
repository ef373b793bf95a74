package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A catalog whose VM configurations together have more bytes than the heap. */
@Tag("long")
@Timeout(300)
class BigCatalogTest {
  /** With the heap below it is a fourth of 10,000 snapshots in 160 MiB. */
  private static final int SNAPSHOTS = 2_500;

  private static final int HEAP_MIB = 40;
  private static final int CONFIGURATION_BYTES = 64 << 10;

  @TempDir private Path temporary;

  @Test
  void needsNoMemoryForTheConfigurationsOfTheVms() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage disk = new DiskImage(1 << 20, DamagedRepository.CHUNK);
    disk.fill(0, 'a');
    SnapshotRecord first = repository.backUp(disk);
    multiply(repository, first);
    try (ChunkStore store = Repositories.openReadOnly(repository.dir())) {
      SnapshotRecord listed = store.snapshots().get(1);
      assertThat(listed.vmConfiguration()).isEmpty();
      SnapshotRecord found = store.snapshot(listed.id()).orElseThrow();
      assertThat(found.vmConfiguration().orElseThrow()).hasSize(CONFIGURATION_BYTES);
      assertThat(found.withoutVmConfiguration()).isEqualTo(listed);
    }
    Process process =
        ChildJvm.start(
            temporary,
            HEAP_MIB,
            BigCatalog.class,
            repository.dir().toString(),
            String.valueOf(SNAPSHOTS));
    assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  /** Written row by row: that many backups would take minutes. */
  private static void multiply(DamagedRepository repository, SnapshotRecord first)
      throws Exception {
    Optional<String> configuration = Optional.of("\"" + "x".repeat(CONFIGURATION_BYTES - 2) + "\"");
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      for (int i = 1; i < SNAPSHOTS; i++) {
        SnapshotRecord record =
            new SnapshotRecord(
                SnapshotId.random(),
                first.vm(),
                first.vmUuid(),
                first.time().plusSeconds(i),
                first.consistency(),
                first.parent(),
                first.disks(),
                first.skipped(),
                first.statistics(),
                first.tags(),
                first.qemuVersion(),
                configuration);
        try (RowBatch batch = db.newBatch()) {
          batch.put(Family.CATALOG, SnapshotFrame.key(record.id()), SnapshotFrame.encode(record));
          db.write(batch);
        }
      }
      db.flush();
    }
  }
}
