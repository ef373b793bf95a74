package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A row that leads nowhere stays while a collection may not know who needs its record. */
@Timeout(120)
class StayingRowTest {
  private static final int CHUNKS = 60;
  private static final int SHARED = 9;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private DiskImage disk;
  private SnapshotRecord forgotten;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk = new DiskImage(CHUNKS * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    var random = Seeds.random("staying rows");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    forgotten = repository.backUp(disk);
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(forgotten.id()));
    }
  }

  @Test
  void besideACollection() throws Exception {
    // Of a node, because a mark goes over the rows of all chunks.
    IndexKey key = new IndexKey(RecordType.NODE, forgotten.disks().get(0).root());
    damageRow(key);
    try (ChunkStore store = repository.open()) {
      CollectListener verifying =
          (phase, done, expected) -> {
            if (phase == CollectListener.Phase.MARK) {
              VerifyReport unused = unchecked(() -> verify(store));
            }
          };
      assertThatThrownBy(() -> store.collect(CollectOptions.defaults(), verifying))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("index row");
      assertThat(store.knowsDamage()).isTrue();
      verify(store);
      collect(store);
    }
    assertThat(repository.find(Family.INDEX, key.encode())).isEmpty();
  }

  @Test
  void whileAKilledSweepIsToGoOn() throws Exception {
    DiskImage small = new DiskImage(DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    int from = SHARED * DamagedRepository.CHUNK;
    small.set(Arrays.copyOfRange(disk.bytes(), from, from + DamagedRepository.CHUNK));
    SnapshotRecord kept = killedCollectionBeside(small);
    damageRow(DamagedRepository.chunkKey(disk, SHARED));
    try (ChunkStore store = repository.open()) {
      assertThat(verify(store).flagged()).isEqualTo(1);
      assertThatThrownBy(() -> collect(store))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("index row");
      assertThat(store.knowsDamage()).isTrue();
    }
    Repositories.repair(repository.dir(), (what, done, expected) -> {});
    try (ChunkStore store = repository.open()) {
      assertThat(verify(store).isClean()).isTrue();
      collect(store);
    }
    assertThat(repository.read(kept.id())).isEqualTo(small.bytes());
  }

  /** Backs a disk up after the mark, which so does not know of it. */
  private SnapshotRecord killedCollectionBeside(DiskImage other) throws StoreException {
    SnapshotRecord[] kept = new SnapshotRecord[1];
    try (ChunkStore store = repository.open()) {
      CollectListener listener =
          (phase, done, expected) -> {
            if (phase == CollectListener.Phase.SWEEP) {
              throw new IllegalStateException("killed");
            }
            if (phase == CollectListener.Phase.MARK && kept[0] == null) {
              kept[0] = unchecked(() -> repository.backUp(store, other));
            }
          };
      assertThatThrownBy(() -> store.collect(CollectOptions.defaults(), listener))
          .hasMessage("killed");
    }
    return kept[0];
  }

  private void damageRow(IndexKey key) throws StoreException {
    byte[] row = repository.get(Family.INDEX, key.encode());
    ByteBuffer.wrap(row).putLong(8, 0x5555_5555_5555L);
    repository.put(Family.INDEX, key.encode(), row);
  }

  private static void collect(ChunkStore store) throws StoreException {
    store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  private static <T> T unchecked(Callable<T> what) {
    try {
      return what.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static VerifyReport verify(ChunkStore store) throws StoreException {
    return store.verify(VerifyOptions.everything(2), progress -> true);
  }
}
