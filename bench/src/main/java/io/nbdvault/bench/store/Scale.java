package io.nbdvault.bench.store;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * What does a repository of so many chunks cost? Every row, tree and snapshot is made through the
 * store's interface, as a backup makes them; only that chunks have 8 bytes instead of 64 KiB, so
 * that a hundred million of them fit on a small disk. Started by {@code bench/scale}, each step as
 * a program of its own; prints lines of {@code name=value}.
 */
public final class Scale {
  private Scale() {}

  /**
   * Does one step: {@code ingest DIR CHUNKS}, {@code open DIR}, or {@code collect DIR}, which
   * forgets the older half of the snapshots first.
   */
  public static void main(String[] args) throws IOException {
    Path dir = Path.of(args[1]);
    switch (args[0]) {
      case "ingest" -> ingest(dir, Long.parseLong(args[2]));
      case "open" -> open(dir);
      case "collect" -> collect(dir);
      default -> throw new IllegalArgumentException("step: " + args[0]);
    }
  }

  private static void ingest(Path dir, long chunks) throws IOException {
    Repositories.create(dir, RepositoryOptions.defaults());
    long begun = System.nanoTime();
    try (ChunkStore store = Repositories.open(dir)) {
      Ingest ingest = new Ingest(store, chunks);
      ingest.run();
      double seconds = seconds(begun);
      print(
          "step=ingest chunks=%d nodes=%d seconds=%.3f cpu=%.3f rows_per_s=%.0f peak_bytes=%d",
          ingest.chunks(),
          ingest.nodes(),
          seconds,
          ProcessUse.cpuSeconds(),
          (ingest.chunks() + ingest.nodes()) / seconds,
          ProcessUse.peakBytes());
    }
  }

  private static void open(Path dir) throws IOException {
    // The first time loads classes and RocksDB's library, too.
    double first = openOnce(dir);
    double again = openOnce(dir);
    print("step=open first=%.3f seconds=%.3f peak_bytes=%d", first, again, ProcessUse.peakBytes());
  }

  private static double openOnce(Path dir) throws IOException {
    long begun = System.nanoTime();
    try (ChunkStore store = Repositories.open(dir)) {
      double seconds = seconds(begun);
      store.snapshots();
      return seconds;
    }
  }

  private static void collect(Path dir) throws IOException {
    try (ChunkStore store = Repositories.open(dir)) {
      Set<SnapshotId> old = new HashSet<>();
      for (int vm = 0; vm < Ingest.VMS; vm++) {
        String name = Ingest.name(vm);
        store.snapshots().stream()
            .filter(snapshot -> snapshot.vm().equals(name))
            .sorted(Comparator.comparing(SnapshotRecord::time))
            .limit(Ingest.GENERATIONS / 2)
            .forEach(snapshot -> old.add(snapshot.id()));
      }
      store.forget(old);
      long begun = System.nanoTime();
      PhaseTimes phases = new PhaseTimes();
      CollectReport report = store.collect(CollectOptions.defaults(), phases);
      phases.end();
      print(
          "step=collect seconds=%.3f cpu=%.3f mark_seconds=%.3f live=%d nodes=%d unreachable=%d freed=%d"
              + " unreachable_bytes=%d freed_bytes=%d returned_bytes=%d rewritten_bytes=%d",
          seconds(begun),
          ProcessUse.cpuSeconds(),
          report.markDuration().toNanos() / 1e9,
          report.chunksLive(),
          report.nodesLive(),
          report.recordsUnreachable(),
          report.recordsFreed(),
          report.unreachableBytes(),
          report.freedBytes(),
          report.returnedBytes(),
          report.rewrittenBytes());
    }
  }

  private static double seconds(long begunNanos) {
    return (System.nanoTime() - begunNanos) / 1e9;
  }

  private static void print(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
