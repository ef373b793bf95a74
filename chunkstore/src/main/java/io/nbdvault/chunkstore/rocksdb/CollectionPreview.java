package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.StoreException;
import java.time.Duration;
import java.util.List;

/**
 * Looks what a collection would free, and writes nothing: no epoch begins, and the store may be
 * open for reading only.
 */
final class CollectionPreview {
  private final IndexScan index;
  private final ContentReader reader;
  private final Gate gate;
  private final CollectListener listener;

  CollectionPreview(Database database, ContentReader reader, Gate gate, CollectListener listener) {
    this.index = new IndexScan(database);
    this.reader = reader;
    this.gate = gate;
    this.listener = listener;
  }

  CollectReport look() throws StoreException {
    long begun = System.nanoTime();
    Gate.Start start = gate.previewCollection();
    Marks marks =
        new Marker(index, reader, listener, StoreLimits.markPrefixes()).mark(start.roots());
    Duration markDuration = Duration.ofNanos(System.nanoTime() - begun);
    Sweep sweep = Sweep.preview(index, reader, marks, start.cutoff(), listener);
    long unreachable = sweep.scan().getLongCardinality();
    Duration all = Duration.ofNanos(System.nanoTime() - begun);
    return new CollectReport(
        true,
        false,
        start.condemned().size(),
        sweep.liveChunks(),
        sweep.liveNodes(),
        unreachable,
        sweep.deadBytes(),
        0,
        0,
        0,
        0,
        List.of(),
        false,
        markDuration,
        all.minus(markDuration));
  }
}
