package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.BackupOptions;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.ContentRecord;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that are opened again before they are stored. */
class VerifyWritesTest {
  private static final int CHUNK = DamagedRepository.CHUNK;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private DiskImage disk;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk = new DiskImage(CHUNK, CHUNK);
    disk.fill(0, Seeds.random("verified writes"));
  }

  @Test
  void storesWhatItStoresOtherwise() throws Exception {
    SnapshotRecord snapshot;
    try (ChunkStore store = repository.open();
        BackupSession session =
            store.beginBackup(Set.of(), new BackupOptions(Compression.LZ4, true))) {
      var vda = disk.backUp(session, "vda", Optional.empty());
      snapshot = session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void noticesEveryFlippedBitOfARecordThatIsToBeStored() throws Exception {
    repository.backUp(disk);
    byte[] record =
        repository.record(repository.row(DamagedRepository.chunkKey(disk, 0)).ordinal());
    byte[] plain = disk.bytes();
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      ContentReader reader = new ContentReader(database, new PlainContent(), CHUNK);
      assertThat(reader.opensTo(record, plain, 0, CHUNK)).isTrue();
      for (int at = ContentRecord.HEADER_BYTES; at < record.length; at++) {
        byte[] bad = record.clone();
        bad[at] ^= (byte) (1 << (at % 8));
        assertThat(reader.opensTo(bad, plain, 0, CHUNK)).as("byte %d", at).isFalse();
      }
      plain[CHUNK / 2] ^= 1;
      assertThat(reader.opensTo(record, plain, 0, CHUNK)).isFalse();
    }
  }
}
