package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.util.ArrayList;
import java.util.List;

/** All snapshots that are not forgotten, kept from being reclaimed until this is closed. */
final class PinnedSnapshots implements AutoCloseable {
  private final List<SnapshotReader> readers = new ArrayList<>();

  private PinnedSnapshots() {}

  static PinnedSnapshots all(ChunkStore store) throws StoreException {
    PinnedSnapshots pinned = new PinnedSnapshots();
    try {
      for (SnapshotRecord record : store.snapshots()) {
        pinned.pin(store, record);
      }
      return pinned;
    } catch (StoreException | RuntimeException e) {
      pinned.close();
      throw e;
    }
  }

  private void pin(ChunkStore store, SnapshotRecord record) throws StoreException {
    try {
      readers.add(store.open(record.id()));
    } catch (NoSuchSnapshotException e) {
      // It was forgotten since it was listed, and so does not count.
      return;
    }
  }

  /** Their records, oldest first. */
  List<SnapshotRecord> records() {
    return readers.stream().map(SnapshotReader::record).toList();
  }

  @Override
  public void close() {
    readers.forEach(SnapshotReader::close);
  }
}
