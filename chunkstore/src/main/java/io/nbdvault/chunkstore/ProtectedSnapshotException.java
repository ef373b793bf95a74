package io.nbdvault.chunkstore;

/** A snapshot that is protected was to be forgotten. */
public final class ProtectedSnapshotException extends StoreException {
  private static final long serialVersionUID = 1;

  /** Makes the exception for a snapshot. */
  public ProtectedSnapshotException(SnapshotId id) {
    super("Snapshot " + id + " is protected. Unprotect it first.", null);
  }
}
