package io.nbdvault.engine.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.StoreFailedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ChunkCacheTest {
  private static final int CHUNK = 64;

  private final AtomicInteger loads = new AtomicInteger();
  private final ChunkCache cache = new ChunkCache(CHUNK, 8 * CHUNK, 4);

  private static ChunkId id(long number) {
    return new ChunkId(1, 2, 3, number);
  }

  private int load(ChunkId id, byte[] destination) {
    loads.incrementAndGet();
    Arrays.fill(destination, (byte) id.d());
    return CHUNK;
  }

  private void read(long number) throws Exception {
    try (ChunkCache.Lease chunk = cache.lease(id(number), this::load)) {
      assertThat(chunk.length()).isEqualTo(CHUNK);
      assertThat(chunk.bytes()).containsOnly((byte) number);
    }
  }

  @Test
  void keepsWhatWasUsedLastWithinItsBytes() throws Exception {
    for (int number = 1; number <= 8; number++) {
      read(number);
    }
    read(1);
    assertThat(loads).hasValue(8);
    read(9); // Takes the place of 2.
    read(1);
    assertThat(loads).hasValue(9);
    read(2);
    assertThat(loads).hasValue(10);
    assertThat(cache.bytes()).isEqualTo(8 * CHUNK);
  }

  @Test
  void neverChangesAChunkThatSomebodyHolds() throws Exception {
    try (ChunkCache.Lease held = cache.lease(id(1), this::load)) {
      for (int number = 2; number <= 100; number++) {
        read(number);
        cache.readAhead(id(number + 1), this::load);
      }
      assertThat(held.bytes()).containsOnly((byte) 1);
    }
    assertThat(cache.bytes()).isEqualTo(8 * CHUNK);
  }

  @Test
  void triesAgainWhatCouldNotBeRead() throws Exception {
    for (int round = 0; round < 20; round++) {
      assertThatThrownBy(
              () ->
                  cache.lease(
                      id(1),
                      (id, destination) -> {
                        throw new StoreFailedException("gone", null);
                      }))
          .isInstanceOf(StoreFailedException.class);
    }
    read(1);
    assertThat(cache.bytes()).isEqualTo(CHUNK);
  }

  @Test
  void givesManyThreadsWhatTheyAskedFor() throws Exception {
    long seed = ServedRepository.seed();
    ExecutorService threads = Executors.newFixedThreadPool(6);
    List<Callable<Void>> readers = new ArrayList<>();
    for (int reader = 0; reader < 6; reader++) {
      Random random = new Random(seed + reader);
      readers.add(
          () -> {
            for (int round = 0; round < 5_000; round++) {
              read(1 + random.nextInt(20));
            }
            return null;
          });
    }
    try {
      for (Future<Void> reader : threads.invokeAll(readers, 60, TimeUnit.SECONDS)) {
        reader.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(loads.get()).isLessThan(30_000);
    assertThat(cache.bytes()).isEqualTo(8 * CHUNK);
  }
}
