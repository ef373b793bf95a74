package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a collection says that it gave back, and at what pace it works. */
@Timeout(60)
class ReturnedSpaceTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 200;
  private static final long DISK_BYTES = (long) CHUNKS * CHUNK;

  @TempDir private Path temporary;
  private final Random random = Seeds.random("returned space");
  private DamagedRepository repository;
  private SnapshotRecord large;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    large = repository.backUp(disk(CHUNKS));
    repository.backUp(disk(5));
  }

  @Test
  void isWhatTheDirectoryGotSmallerBy() throws Exception {
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(large.id()));
      long before = tableBytes();
      long returned = collect(store, CollectListener.silent()).returnedBytes();
      assertThat(returned).isGreaterThan(DISK_BYTES * 9 / 10);
      assertThat(returned).isBetween(before - tableBytes(), before - tableBytes() + (32 << 10));
    }
  }

  @Test
  void isNothingForFilesThatHaveAnotherName() throws Exception {
    int number = 0;
    for (Path table : repository.tables(Family.CHUNK)) {
      Files.createLink(temporary.resolve("linked" + number++), table);
    }
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(large.id()));
      CollectReport report = collect(store, CollectListener.silent());
      assertThat(report.freedBytes()).isGreaterThan(DISK_BYTES * 9 / 10);
      assertThat(report.returnedBytes()).isLessThan(32 << 10);
    }
  }

  @Test
  void doesNotCountWhatABackupBesideItWrites() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(large.id()));
      CollectReport report =
          collect(
              store,
              (phase, progress, expected) -> {
                if (phase == CollectListener.Phase.MARK && !done.getAndSet(true)) {
                  backUpUnchecked(store, disk(2 * CHUNKS));
                }
              });
      assertThat(report.returnedBytes()).isGreaterThan(DISK_BYTES * 9 / 10);
    }
  }

  @Test
  void mergesSmallFilesAtThePaceThatItWasGiven() throws Exception {
    for (int i = 0; i < 10; i++) {
      repository.backUp(disk(20));
    }
    long begun = System.nanoTime();
    long rewritten;
    try (ChunkStore store = repository.open()) {
      CollectOptions slowly = new CollectOptions(false, OptionalLong.of(2 << 20));
      rewritten = store.collect(slowly, CollectListener.silent()).rewrittenBytes();
    }
    assertThat(rewritten).isGreaterThan(4 << 20);
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofSeconds(2));
  }

  @Test
  void endsACompactionWhoseThreadIsInterruptedAndCanStillWrite() throws Exception {
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      database.limitWrites(OptionalLong.of(100 << 10));
      AtomicBoolean ended = new AtomicBoolean();
      Thread collecting =
          new Thread(
              () -> {
                assertThatThrownBy(() -> database.compact(Family.CHUNK, null, null))
                    .isInstanceOf(StoreFailedException.class)
                    .hasMessageContaining("Interrupted");
                ended.set(Thread.currentThread().isInterrupted());
              });
      long begun = System.nanoTime();
      collecting.start();
      Thread.sleep(500);
      collecting.interrupt();
      collecting.join();
      assertThat(ended).isTrue();
      // All of it would take half a minute.
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(15));
      database.limitWrites(OptionalLong.empty());
      try (RowBatch batch = database.newBatch()) {
        batch.put(Family.DEFAULT, new byte[] {1}, new byte[] {2});
        database.write(batch);
      }
      database.flush();
    }
  }

  private void backUpUnchecked(ChunkStore store, DiskImage disk) {
    try {
      repository.backUp(store, disk);
    } catch (StoreException e) {
      throw new AssertionError(e);
    }
  }

  private long tableBytes() throws IOException {
    long bytes = 0;
    for (Path file : repository.files()) {
      bytes += file.toString().endsWith(".sst") ? size(file) : 0;
    }
    return bytes;
  }

  /** RocksDB takes small files of the other families away whenever it has merged them. */
  private static long size(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  private DiskImage disk(int chunks) {
    DiskImage image = new DiskImage(chunks * CHUNK, CHUNK);
    for (int chunk = 0; chunk < chunks; chunk++) {
      image.fill(chunk, random);
    }
    return image;
  }

  private static CollectReport collect(ChunkStore store, CollectListener listener)
      throws StoreException {
    return store.collect(CollectOptions.defaults(), listener);
  }
}
