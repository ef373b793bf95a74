package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a store knows of damage, and which disks it lies in. */
@Timeout(60)
class DiskDamageTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 200;

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));
  private final DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
  private SnapshotId snapshot = SnapshotId.random();
  private IndexKey chunk = new IndexKey(RecordType.CHUNK, ChunkId.ZERO);
  private IndexKey root = chunk;

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    for (int i = 0; i < CHUNKS; i++) {
      disk.fill(i, i + 1);
    }
    SnapshotRecord record = repository.backUp(disk);
    snapshot = record.id();
    chunk = DamagedRepository.chunkKey(disk, 7);
    root = new IndexKey(RecordType.NODE, record.disks().get(0).root());
  }

  @Test
  void knowsOfNothingInAWholeRepository() throws Exception {
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isFalse();
      assertThat(store.findDamage(snapshot, "vda")).isEmpty();
    }
  }

  @Test
  void knowsAFlaggedChunkInTheDisksThatReachItUntilItIsStoredAnew() throws Exception {
    repository.flipBit(chunk);
    assertHealsOnceFlagged(chunk);
  }

  @Test
  void knowsAChunkWithoutARow() throws Exception {
    repository.delete(Family.INDEX, chunk.encode());
    assertHealsOnceFlagged(chunk);
  }

  @Test
  void findsANodeThatNobodyHasFlagged() throws Exception {
    repository.delete(Family.CHUNK, OrdinalKey.of(repository.row(root).ordinal()));
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isFalse();
      List<DamagedContent> found = store.findDamage(snapshot, "vda");
      assertThat(found).extracting(DamagedContent::id).containsExactly(root.id());
      assertThat(found).allMatch(DamagedContent::isNode);
    }
    assertHealsOnceFlagged(root);
  }

  @Test
  void forgetsTheDamageOfWhatACollectionReclaims() throws Exception {
    DiskImage other = new DiskImage(CHUNK, CHUNK);
    other.fill(0, 250);
    SnapshotId lost = repository.backUp(other).id();
    IndexKey lostChunk = DamagedRepository.chunkKey(other, 0);
    repository.flipBit(lostChunk);
    try (ChunkStore store = repository.open()) {
      assertThat(store.flagDamaged(List.of(damage(lostChunk)))).isEqualTo(1);
      store.forget(Set.of(lost));
      store.collect(CollectOptions.defaults(), CollectListener.silent());
      assertThat(store.knowsDamage()).isFalse();
    }
  }

  private void assertHealsOnceFlagged(IndexKey key) throws Exception {
    DiskImage other = new DiskImage(CHUNK, CHUNK);
    other.fill(0, 250);
    SnapshotId beside = repository.backUp(other).id();
    try (ChunkStore store = repository.open()) {
      assertThat(store.flagDamaged(List.of(damage(key)))).isEqualTo(1);
      assertThat(store.flagDamaged(List.of(damage(key)))).isZero();
    }
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isTrue();
      assertThat(store.findDamage(snapshot, "vda"))
          .extracting(DamagedContent::id)
          .containsExactly(key.id());
      assertThat(store.findDamage(beside, "vda")).isEmpty();
    }
    repository.backUp(disk);
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isFalse();
      assertThat(store.findDamage(snapshot, "vda")).isEmpty();
    }
    assertThat(repository.read(snapshot)).isEqualTo(disk.bytes());
  }

  private static DamagedContent damage(IndexKey key) {
    boolean isNode = key.type() == RecordType.NODE;
    return new DamagedContent(key.id(), isNode, OptionalLong.empty(), "of a test");
  }
}
