package io.nbdvault.chunkstore;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** A repository under test, and what the tests of every implementation do with it. */
abstract class ChunkStoreFixture {
  /** Chunk size of the repository under test. */
  protected static final int CHUNK = 64 << 10;

  /** For a disk that starts from nothing. */
  protected static final Optional<DiskRecord> NO_PARENT = Optional.empty();

  /** Opens the repository under test, which is created when it is first asked for. */
  protected abstract ChunkStore open() throws StoreException;

  /** Backs up a disk called {@code vda}, so many seconds after a time that is always the same. */
  protected static SnapshotRecord backUp(ChunkStore store, DiskImage disk, int seconds)
      throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      return commit(session, seconds, disk.backUp(session, "vda", NO_PARENT));
    }
  }

  /** Commits a session with these disks. */
  protected static SnapshotRecord commit(BackupSession session, int seconds, DiskRecord... disks)
      throws StoreException {
    return session.commit(
        TestRecords.snapshot(session.snapshotId(), TestRecords.TIME.plusSeconds(seconds), disks));
  }

  /** Reads the disk {@code vda} of a snapshot. */
  protected static byte[] read(ChunkStore store, SnapshotId id) throws IOException {
    try (SnapshotReader reader = store.open(id)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }
}
