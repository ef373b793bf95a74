package io.nbdvault.engine.testkit;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Writes 4 KiB blocks to random places of an NBD disk, several at a time, while it is asked to. */
public final class RandomWriter implements AutoCloseable {
  private static final int BLOCK_BYTES = 4096;
  private static final int IN_FLIGHT_MAX = 8;
  private static final long DEADLINE_SECONDS = 60;

  private final NbdClient client;
  private final Random random;
  private final Semaphore inFlight = new Semaphore(IN_FLIGHT_MAX);
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile boolean stopped = true;
  private Thread thread = new Thread();

  public RandomWriter(NbdUri uri, long seed) throws NbdException {
    this.client = NbdClient.open(uri, NbdClientOptions.defaults());
    this.random = new Random(seed);
  }

  /** Begins to write, and returns when some writes have been acknowledged. */
  public void start(int writes) throws IOException, InterruptedException {
    done.set(0);
    stopped = false;
    thread = new Thread(this::write, "random-writer");
    thread.start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (done.get() < writes) {
      check();
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("only " + done.get() + " writes were acknowledged");
      }
      Thread.sleep(1);
    }
  }

  private void write() {
    while (!stopped && failure.get() == null) {
      inFlight.acquireUninterruptibly();
      byte[] block = new byte[BLOCK_BYTES];
      random.nextBytes(block);
      long offset = random.nextInt((int) (client.export().sizeBytes() / BLOCK_BYTES));
      var unused =
          client
              .write(offset * BLOCK_BYTES, ByteBuffer.wrap(block))
              .whenComplete(
                  (nothing, error) -> {
                    if (error != null) {
                      failure.compareAndSet(null, error);
                    }
                    done.incrementAndGet();
                    inFlight.release();
                  });
    }
  }

  /** Stops writing, and returns when every write has been acknowledged. */
  public void stop() throws IOException, InterruptedException {
    stopped = true;
    thread.join(TimeUnit.SECONDS.toMillis(DEADLINE_SECONDS));
    if (!inFlight.tryAcquire(IN_FLIGHT_MAX, DEADLINE_SECONDS, TimeUnit.SECONDS)) {
      throw new IOException("writes in flight were not acknowledged");
    }
    inFlight.release(IN_FLIGHT_MAX);
    check();
  }

  private void check() throws IOException {
    Throwable error = failure.get();
    if (error != null) {
      throw new IOException("a write failed", error);
    }
  }

  @Override
  public void close() {
    stopped = true;
    client.close();
  }
}
