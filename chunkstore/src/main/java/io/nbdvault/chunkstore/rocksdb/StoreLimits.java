package io.nbdvault.chunkstore.rocksdb;

import java.time.Duration;

/**
 * Every bound of the store in one place. Their sum, with the heap, is the peak memory of a backup:
 * see {@link DatabaseOptions} for what RocksDB may hold besides.
 */
final class StoreLimits {
  /** Records that wait for the writer. */
  static final int QUEUE_RECORDS = 1024;

  /** Bytes of the records that wait for the writer: three of the largest chunks, and a bit. */
  static final int QUEUE_BYTES = 16 << 20;

  /** Records in one write batch. */
  static final int BATCH_RECORDS = 256;

  /** Bytes after which a write batch takes no more records. */
  static final int BATCH_BYTES = 1 << 20;

  /** Ordinals in a lease: what is lost of 2^63 when a process is killed. */
  static final int LEASE_ORDINALS = 65_536;

  /** How often opening for reading is tried while a writer takes files away. */
  static final int READ_ONLY_OPEN_ATTEMPTS = 20;

  /** Pause between two such attempts. */
  static final long READ_ONLY_OPEN_PAUSE_MILLIS = 50;

  /** Keys of damaged content that are held in memory: more are looked up one by one. */
  static final int DAMAGED_KEYS = 100_000;

  /** Rows of the index that are read at a time in a scan. */
  static final int SCAN_ROWS = 4096;

  /** How long closing a store waits for the jobs that it has interrupted. */
  static final Duration CLOSE_JOBS_MAX = Duration.ofSeconds(30);

  /**
   * Most ids that a mark holds in memory at once: 8 bytes each, two fifths of the heap. They are in
   * one array, which must fit beside the marks into what the collector of garbage has for what is
   * old: two thirds.
   */
  static int markPrefixes() {
    return (int) Math.min(64 << 20, Runtime.getRuntime().maxMemory() / 5 * 2 / Long.BYTES);
  }

  /**
   * Most chunks that statistics hold in memory at once: 8 bytes each, a fifth of the heap, so that
   * there is room for a collection beside them.
   */
  static int statisticsChunks() {
    return (int) Math.min(64 << 20, Runtime.getRuntime().maxMemory() / 5 / Long.BYTES);
  }

  /**
   * Most nodes of trees that statistics hold in memory: three tenths of the heap, and half as much
   * again while they grow, when there are no chunks yet.
   */
  static int statisticsNodes() {
    return (int)
        Math.min(1 << 29, Runtime.getRuntime().maxMemory() / 10 * 3 / OwnedNodes.NODE_BYTES);
  }

  private StoreLimits() {}
}
