package io.nbdvault.chunkstore;

/** A snapshot that is open for reading, and so kept from being reclaimed. Any thread may use it. */
public interface SnapshotReader extends AutoCloseable {
  /** The snapshot's record, without the VM's configuration. */
  SnapshotRecord record();

  /**
   * One disk of it. The reader of the disk ends with this reader.
   *
   * @throws IllegalArgumentException if the snapshot has no disk of that name
   */
  DiskReader disk(String name);

  @Override
  void close();
}
