package io.nbdvault.bench;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long do 16 reads that are in flight together take from nbdkit's memory, by their size and by
 * the buffer they go to? Only a direct buffer, and only for long reads, is received into without a
 * copy. Run it with {@code bench/run ReadBenchmark}; needs nbdkit.
 */
@SuppressWarnings("NullAway.Init") // JMH calls open() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class ReadBenchmark {
  private static final int READS = 16;
  private static final long START_MILLIS_MAX = 10_000;

  /** Bytes of each read. */
  @Param({"4096", "65536", "262144"})
  public int readBytes;

  /** Whether the buffers are direct. */
  @Param({"true", "false"})
  public boolean direct;

  private final CompletableFuture<?>[] reads = new CompletableFuture<?>[READS];
  private final ByteBuffer[] buffers = new ByteBuffer[READS];
  private Path directory;
  private Process server;
  private NbdClient client;

  /** Starts nbdkit and connects. */
  @Setup(Level.Trial)
  public void open() throws IOException, InterruptedException, NbdException {
    directory = Files.createTempDirectory("nbdvault-bench-");
    Path socket = directory.resolve("socket");
    server = new ProcessBuilder("nbdkit", "-f", "-U", socket.toString(), "memory", "64M").start();
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_MILLIS_MAX);
    while (!Files.exists(socket)) {
      if (!server.isAlive() || System.nanoTime() - deadline > 0) {
        throw new IOException("nbdkit does not start");
      }
      Thread.sleep(10);
    }
    client = NbdClient.open(NbdUri.unix(socket, ""), NbdClientOptions.defaults());
    for (int i = 0; i < READS; i++) {
      buffers[i] = direct ? ByteBuffer.allocateDirect(readBytes) : ByteBuffer.allocate(readBytes);
    }
  }

  /** Reads 16 times, and waits for all. */
  @Benchmark
  public void read() {
    for (int i = 0; i < READS; i++) {
      reads[i] = client.read((long) i * readBytes, buffers[i].clear());
    }
    CompletableFuture.allOf(reads).join();
  }

  /** Stops nbdkit, which removes its socket. */
  @TearDown(Level.Trial)
  public void close() throws IOException, InterruptedException {
    client.close();
    server.destroy();
    server.waitFor();
    Files.deleteIfExists(directory.resolve("socket"));
    Files.delete(directory);
  }
}
