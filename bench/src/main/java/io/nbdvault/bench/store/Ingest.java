package io.nbdvault.bench.store;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/**
 * Fills a store with snapshots: of each VM a full backup that stores 55% of the chunks, then nine
 * incremental ones that store 5% each, in runs of 32 to 512 chunks.
 */
final class Ingest {
  /** VMs of one disk each. */
  static final int VMS = 2;

  /** Snapshots of each VM. */
  static final int GENERATIONS = 10;

  private static final int FULL_PERCENT = 55;
  private static final int INCREMENTAL_PERCENT = 5;
  private static final int RUN_MIN = 32;
  private static final int RUN_MAX = 512;
  private static final int CHUNKS_IN_FLIGHT = 1024;
  private static final int REPORTS = 10;

  private final ChunkStore store;
  private final long chunks;
  private final SplittableRandom random = new SplittableRandom(1);
  private final byte[] content = new byte[Long.BYTES];
  private long put;
  private long nodes;
  private long reportedChunks;
  private long reportedNanos = System.nanoTime();

  /**
   * Makes an ingest.
   *
   * @param chunks how many there will be, about
   */
  Ingest(ChunkStore store, long chunks) {
    this.store = store;
    this.chunks = chunks;
  }

  /** The content of a chunk, which is its number, from 1. */
  static void fill(byte[] content, long number) {
    ByteBuffer.wrap(content).putLong(number);
  }

  /** The name of a VM, from 0. */
  static String name(int vm) {
    return "vm" + vm;
  }

  void run() throws StoreException {
    List<SnapshotRecord> latest = new ArrayList<>();
    for (int vm = 0; vm < VMS; vm++) {
      latest.add(full(vm));
    }
    for (int generation = 1; generation < GENERATIONS; generation++) {
      for (int vm = 0; vm < VMS; vm++) {
        latest.set(vm, incremental(latest.get(vm), generation));
      }
    }
  }

  /** How many chunks were stored. */
  long chunks() {
    return put;
  }

  /** How many tree nodes were stored. */
  long nodes() {
    return nodes;
  }

  private SnapshotRecord full(int vm) throws StoreException {
    long count = chunks / VMS * FULL_PERCENT / 100;
    long sizeBytes = count * store.config().chunkSizeBytes();
    try (BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
      DiskTreeBuilder disk = session.newDisk(sizeBytes, Optional.empty());
      append(session, disk, 0, count);
      return commit(session, disk, name(vm), 0, Optional.empty(), sizeBytes);
    }
  }

  private SnapshotRecord incremental(SnapshotRecord parent, int generation) throws StoreException {
    long sizeBytes = parent.disks().get(0).sizeBytes();
    long count = sizeBytes / store.config().chunkSizeBytes();
    long changes = chunks / VMS * INCREMENTAL_PERCENT / 100;
    long runs = Math.max(1, changes / ((RUN_MIN + RUN_MAX) / 2));
    long gapMax = 2 * (count - changes) / runs;
    try (BackupSession session = store.beginBackup(Set.of(parent.id()), Compression.NONE)) {
      DiskTreeBuilder disk = session.newDisk(sizeBytes, Optional.of(parent.disks().get(0)));
      long at = random.nextLong(gapMax + 1);
      while (at < count) {
        long end = Math.min(count, at + random.nextLong(RUN_MIN, RUN_MAX + 1));
        append(session, disk, at, end);
        at = end + random.nextLong(gapMax + 1);
      }
      return commit(session, disk, parent.vm(), generation, Optional.of(parent.id()), sizeBytes);
    }
  }

  private SnapshotRecord commit(
      BackupSession session,
      DiskTreeBuilder disk,
      String vm,
      int generation,
      Optional<SnapshotId> parent,
      long sizeBytes)
      throws StoreException {
    DiskRoot root = disk.finish();
    nodes += root.nodesNew();
    return session.commit(
        Records.of(session.snapshotId(), vm, generation, parent, sizeBytes, root));
  }

  private void append(BackupSession session, DiskTreeBuilder disk, long first, long end)
      throws StoreException {
    List<CompletableFuture<StoredChunk>> inFlight = new ArrayList<>(CHUNKS_IN_FLIGHT);
    for (long next = first; next < end; ) {
      long until = Math.min(end, next + CHUNKS_IN_FLIGHT);
      inFlight.clear();
      for (long chunk = next; chunk < until; chunk++) {
        fill(content, ++put);
        inFlight.add(session.put(content, 0, content.length));
      }
      for (CompletableFuture<StoredChunk> stored : inFlight) {
        disk.append(next++, stored.join().id());
      }
      report();
    }
  }

  private void report() {
    if (put - reportedChunks >= chunks / REPORTS) {
      long now = System.nanoTime();
      System.out.printf(
          Locale.ROOT,
          "ingested=%d chunks_per_s=%.0f%n",
          put,
          (put - reportedChunks) / ((now - reportedNanos) / 1e9));
      reportedChunks = put;
      reportedNanos = now;
    }
  }
}
