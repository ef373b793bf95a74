package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Closing a store that is not idle. */
@Timeout(60)
class CloseTest {
  private static final int CHUNK = DamagedRepository.CHUNK;

  /** More than a job needs to notice an interrupt, and less than closing waits for it. */
  private static final long CLOSE_SECONDS_MAX = 15;

  /** The job has ended when the store is closed; its thread may need a moment to say so. */
  private static final long ENDED_MILLIS_MAX = 500;

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));
  private SnapshotId kept = SnapshotId.random();
  private SnapshotId gone = kept;
  private final DiskImage disk = new DiskImage(200 * CHUNK, CHUNK);

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage other = new DiskImage(200 * CHUNK, CHUNK);
    for (int i = 0; i < 200; i++) {
      disk.fill(i, i + 1);
      other.fill(i, 200 - i / 4);
    }
    other.fill(7, 250);
    gone = repository.backUp(other).id();
    kept = repository.backUp(disk).id();
  }

  @AfterEach
  void leaveChangesAlone() {
    Database.beforeChange = () -> {};
  }

  @Test
  void interruptsACollectionAndTheNextOneFinishes() throws Exception {
    ChunkStore store = repository.open();
    store.forget(Set.of(gone));
    CountDownLatch begun = new CountDownLatch(1);
    assertEndsBy(
        store,
        begun,
        () ->
            store.collect(
                CollectOptions.defaults(),
                (phase, done, expected) -> {
                  if (phase == CollectListener.Phase.SCAN) {
                    linger(begun);
                  }
                }));
    assertCollectsWhatIsLeft();
  }

  @Test
  void endsACompactionOfACollection() throws Exception {
    ChunkStore store = repository.open();
    store.forget(Set.of(gone));
    CountDownLatch begun = new CountDownLatch(1);
    // The last change is the compaction, or what comes after it; each of them is stopped at once.
    Database.beforeChange =
        () -> {
          if (Thread.currentThread().getName().equals("job")) {
            linger(begun);
          }
        };
    assertEndsBy(
        store, begun, () -> store.collect(CollectOptions.defaults(), CollectListener.silent()));
    Database.beforeChange = () -> {};
    assertCollectsWhatIsLeft();
  }

  @Test
  void interruptsAVerification() throws Exception {
    ChunkStore store = repository.open();
    CountDownLatch begun = new CountDownLatch(1);
    assertEndsBy(
        store,
        begun,
        () ->
            store.verify(
                VerifyOptions.everything(2),
                progress -> {
                  linger(begun);
                  return true;
                }));
  }

  @Test
  void interruptsStatistics() throws Exception {
    ChunkStore store = repository.open();
    CountDownLatch begun = new CountDownLatch(1);
    StatisticsListener listener = (phase, done, expected) -> linger(begun);
    assertEndsBy(store, begun, () -> store.statistics(listener));
  }

  @Test
  void readersThatAreStillOpenThrowAndDoNotCrash() throws Exception {
    ChunkStore store = repository.open();
    SnapshotReader reader = store.open(kept);
    DiskReader vda = reader.disk("vda");
    CountDownLatch begun = new CountDownLatch(1);
    assertEndsBy(
        store,
        begun,
        () -> {
          while (true) {
            vda.forEachChunk(
                0,
                200,
                (index, id, length) -> {
                  vda.read(id, new byte[CHUNK], 0);
                  begun.countDown();
                  return true;
                });
          }
        });
    assertThatThrownBy(() -> DiskImage.readAll(vda)).isInstanceOf(IllegalStateException.class);
    reader.close();
  }

  @Test
  void nothingBeginsAfterwards() throws Exception {
    ChunkStore store = repository.open();
    store.close();
    assertThatThrownBy(() -> store.verify(VerifyOptions.everything(1), progress -> true))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> store.collect(CollectOptions.defaults(), CollectListener.silent()))
        .isInstanceOf(IllegalStateException.class);
    store.close();
  }

  /** Closes the store while a job is under way in another thread. */
  private static void assertEndsBy(ChunkStore store, CountDownLatch begun, ThrowingCallable job)
      throws Exception {
    CompletableFuture<Throwable> outcome = new CompletableFuture<>();
    CompletableFuture<Boolean> interruptedAfter = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              outcome.complete(catchThrowable(job));
              interruptedAfter.complete(Thread.currentThread().isInterrupted());
            },
            "job");
    thread.start();
    assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
    long before = System.nanoTime();
    store.close();
    assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(CLOSE_SECONDS_MAX));
    assertThat(outcome.get(ENDED_MILLIS_MAX, TimeUnit.MILLISECONDS))
        .isInstanceOfAny(StoreException.class, IllegalStateException.class);
    assertThat(interruptedAfter.get()).as("its thread is left interrupted").isFalse();
    thread.join();
  }

  /** Holds the job where it is until it is interrupted, or for a while. */
  private static void linger(CountDownLatch begun) {
    begun.countDown();
    try {
      Thread.sleep(4000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void assertCollectsWhatIsLeft() throws Exception {
    try (ChunkStore store = repository.open()) {
      store.collect(CollectOptions.defaults(), CollectListener.silent());
      assertThat(store.catalog()).extracting(entry -> entry.record().id()).containsExactly(kept);
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    assertThat(repository.read(kept)).isEqualTo(disk.bytes());
  }
}
