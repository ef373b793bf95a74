package io.nbdvault.nbd.server.testkit;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.server.ListenAddress;
import io.nbdvault.nbd.server.NbdServer;
import io.nbdvault.nbd.server.ServerLimits;
import io.nbdvault.nbd.server.ServerOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Random;
import java.util.function.UnaryOperator;

/** A server of disks in memory on a unix socket in a directory of its own. */
public final class ServerFixture implements AutoCloseable {
  /** The size of "ro" and "rw". */
  public static final long SIZE_BYTES = 8 << 20;

  private final Path directory;
  private final Path socket;
  private final MemoryExports exports;
  private final MemoryDisk disk;
  private final MemoryDisk writable;
  private final NbdServer server;

  private ServerFixture(UnaryOperator<ServerOptions> change) throws IOException {
    directory = Files.createTempDirectory("nbd");
    socket = directory.resolve("s");
    disk = sparse(1, SIZE_BYTES);
    writable = new MemoryDisk(SIZE_BYTES);
    exports = new MemoryExports().add("ro", disk, true).add("rw", writable, false);
    server =
        NbdServer.start(
            change.apply(ServerOptions.of(exports).listenOn(new ListenAddress.Unix(socket))));
  }

  /** "ro", sparse and random, and "rw", writable and empty. */
  public static ServerFixture start() throws IOException {
    return new ServerFixture(options -> options);
  }

  /** The same with other options. */
  public static ServerFixture start(UnaryOperator<ServerOptions> change) throws IOException {
    return new ServerFixture(change);
  }

  /** The same with other limits. */
  public static ServerFixture withLimits(ServerLimits limits) throws IOException {
    return new ServerFixture(options -> options.withLimits(limits));
  }

  /** The same with other deadlines. */
  public static ServerFixture withDeadlines(int handshakeMillis, int stalledMillis)
      throws IOException {
    ServerLimits d = ServerLimits.DEFAULT;
    return withLimits(
        new ServerLimits(
            d.connectionsMax(),
            handshakeMillis,
            d.optionsMax(),
            d.contextsMax(),
            d.requestsMax(),
            d.requestBytesMax(),
            d.totalBytesMax(),
            stalledMillis,
            d.workers()));
  }

  /** A disk of which about a third is random data, in runs. */
  public static MemoryDisk sparse(long seed, long sizeBytes) {
    MemoryDisk made = new MemoryDisk(sizeBytes);
    Random random = new Random(seed);
    long blocks = sizeBytes / MemoryDisk.BLOCK_BYTES;
    for (long block = 0; block < blocks; ) {
      long run = 1L + random.nextInt(40);
      if (random.nextInt(3) == 0) {
        long end = Math.min(block + run, blocks);
        byte[] data = new byte[(int) (end - block) * MemoryDisk.BLOCK_BYTES];
        random.nextBytes(data);
        made.write(block * MemoryDisk.BLOCK_BYTES, ByteBuffer.wrap(data));
      }
      block += run;
    }
    return made;
  }

  public Path directory() {
    return directory;
  }

  public Path socket() {
    return socket;
  }

  public NbdUri uri(String name) {
    return NbdUri.unix(socket, name);
  }

  public MemoryExports exports() {
    return exports;
  }

  /** What "ro" is. */
  public MemoryDisk disk() {
    return disk;
  }

  /** What "rw" is. */
  public MemoryDisk writable() {
    return writable;
  }

  public NbdServer server() {
    return server;
  }

  @Override
  public void close() throws IOException {
    exports.release();
    server.close();
    Files.deleteIfExists(socket);
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
