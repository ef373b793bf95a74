package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * How long does a look-up in the index take, and how large are the families? Of a repository that
 * {@code bench/scale} has filled. In the store's package, since the store looks up only on its way
 * to something else.
 */
public final class IndexProbe {
  private static final int WARM_UP = 20_000;
  private static final int LOOK_UPS = 200_000;

  private final Database database;
  private final SplittableRandom random = new SplittableRandom(2);

  private IndexProbe(Database database) {
    this.database = database;
  }

  /** Does {@code DIR CHUNKS}: the chunks from 1 to that number are there or were once. */
  public static void main(String[] args) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(Path.of(args[0]));
    long chunks = Long.parseLong(args[1]);
    try (Database database =
        Database.open(directory.location(), directory.database(), DatabaseAccess.READ_WRITE)) {
      IndexProbe probe = new IndexProbe(database);
      probe.lookUp(WARM_UP, 1, chunks);
      double present = probe.lookUp(LOOK_UPS, 1, chunks);
      // The numbers of these were never given out.
      probe.lookUp(WARM_UP, 1L << 40, 1L << 41);
      double missing = probe.lookUp(LOOK_UPS, 1L << 40, 1L << 41);
      System.out.printf(
          Locale.ROOT,
          "step=probe present_us=%.2f missing_us=%.2f index_bytes=%d index_files=%d"
              + " chunk_bytes=%d chunk_files=%d%n",
          present,
          missing,
          probe.bytes(Family.INDEX),
          database.tables(Family.INDEX).size(),
          probe.bytes(Family.CHUNK),
          database.tables(Family.CHUNK).size());
    }
  }

  /** Returns microseconds of processor time for each look-up of a chunk at random. */
  private double lookUp(int count, long first, long last) throws StoreException {
    byte[] content = new byte[Long.BYTES];
    byte[][] keys = new byte[count][];
    for (int i = 0; i < count; i++) {
      ByteBuffer.wrap(content).putLong(random.nextLong(first, last + 1));
      IndexKey key = new IndexKey(RecordType.CHUNK, ContentId.of(content, 0, content.length));
      keys[i] = key.encode();
    }
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long begun = threads.getCurrentThreadCpuTime();
    for (byte[] key : keys) {
      database.get(Family.INDEX, key);
    }
    return (threads.getCurrentThreadCpuTime() - begun) / 1e3 / count;
  }

  private long bytes(Family family) {
    return database.tables(family).stream().mapToLong(Database.Table::sizeBytes).sum();
  }
}
