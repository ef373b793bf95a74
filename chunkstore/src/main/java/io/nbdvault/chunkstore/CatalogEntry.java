package io.nbdvault.chunkstore;

/**
 * A snapshot in the catalog, forgotten or not.
 *
 * @param record as it was committed
 * @param state what was decided about it since
 */
public record CatalogEntry(SnapshotRecord record, SnapshotState state) {
  /** Whether it can be read: it is not forgotten. */
  public boolean isKept() {
    return state.forgotten().isEmpty();
  }
}
