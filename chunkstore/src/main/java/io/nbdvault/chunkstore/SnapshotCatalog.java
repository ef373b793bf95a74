package io.nbdvault.chunkstore;

import java.util.List;
import java.util.Optional;

/**
 * The snapshots of a repository. Any thread may ask.
 *
 * <p>The lists are without the VMs' configurations, each of which may have megabytes: who wants one
 * asks for its snapshot.
 */
public interface SnapshotCatalog {
  /**
   * The committed snapshots that are not forgotten, in the order of their commits. A store opened
   * for reading only shows those that were there when it was opened.
   */
  List<SnapshotRecord> snapshots() throws StoreException;

  /** The committed snapshot of that id, if there is one that is not forgotten, with all it has. */
  Optional<SnapshotRecord> snapshot(SnapshotId id) throws StoreException;

  /** The committed snapshots, the forgotten ones too, in the same order. */
  List<CatalogEntry> catalog() throws StoreException;
}
