package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.IndexKey;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MarkerTest {
  private static final int CHUNKS = 3000;

  @TempDir private Path temporary;

  @Test
  void marksTheSameWhetherTheIdsFitIntoMemoryOrNot() throws Exception {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    SnapshotRecord snapshot;
    try (ChunkStore store = Repositories.open(dir)) {
      // Ordinals that nothing reaches lie between those that are marked.
      backUp(store, 2_000_000, CHUNKS / 3);
      snapshot = backUp(store, 0, CHUNKS);
      backUp(store, 1_000_000, CHUNKS / 3);
    }
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE)) {
      Marker all = marker(database, CHUNKS + 1);
      Marks expected = all.mark(List.of(snapshot));
      assertThat(all.chunks()).isEqualTo(CHUNKS);
      assertThat(all.parts()).isEqualTo(1);

      Marker few = marker(database, 100);
      Marks found = few.mark(List.of(snapshot));

      assertThat(few.parts()).isGreaterThan(CHUNKS / 100);
      assertThat(few.chunks()).isEqualTo(CHUNKS);
      assertThat(found.ordinals()).isEqualTo(expected.ordinals());
    }
  }

  @Test
  void aRowWhoseIdBeginsLikeAnotherDoesNotStandForOneThatIsMissing() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage disk = new DiskImage(8 * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    for (int i = 0; i < 8; i++) {
      disk.fill(i, i + 1);
    }
    SnapshotRecord snapshot = repository.backUp(disk);
    IndexKey chunk = DamagedRepository.chunkKey(disk, 1);
    byte[] twin = chunk.encode();
    twin[twin.length - 1] ^= 1;
    repository.put(Family.INDEX, twin, repository.get(Family.INDEX, chunk.encode()));
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      assertThat(marker(database, 100).mark(List.of(snapshot)).ordinals()).isNotNull();
    }
    repository.delete(Family.INDEX, DamagedRepository.chunkKey(disk, 3).encode());
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      assertThatThrownBy(() -> marker(database, 100).mark(List.of(snapshot)))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("1 chunks that snapshots need are not in it");
    }
  }

  private static Marker marker(Database database, int prefixesMax) {
    ContentReader reader = new ContentReader(database, new PlainContent(), 64 << 10);
    return new Marker(new IndexScan(database), reader, CollectListener.silent(), prefixesMax);
  }

  /** A disk of small chunks that hold one number each. */
  private static SnapshotRecord backUp(ChunkStore store, int firstNumber, int count)
      throws Exception {
    long sizeBytes = (long) count * store.config().chunkSizeBytes();
    byte[] content = new byte[Integer.BYTES];
    try (BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
      DiskTreeBuilder tree = session.newDisk(sizeBytes, Optional.empty());
      for (int chunk = 0; chunk < count; chunk++) {
        ByteBuffer.wrap(content).putInt(firstNumber + chunk + 1);
        tree.append(chunk, session.put(content, 0, content.length).join().id());
      }
      DiskRecord disk = TestRecords.disk("vda", sizeBytes, tree.finish().root());
      return session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, disk));
    }
  }
}
