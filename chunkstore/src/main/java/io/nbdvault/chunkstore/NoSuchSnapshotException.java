package io.nbdvault.chunkstore;

/** The repository has no snapshot of that id. */
public final class NoSuchSnapshotException extends StoreException {
  private static final long serialVersionUID = 1;

  /** Makes the exception. */
  public NoSuchSnapshotException(SnapshotId id) {
    super("There is no snapshot " + id + " in the repository.", null);
  }
}
