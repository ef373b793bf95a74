package io.nbdvault.cli;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import io.nbdvault.chunkstore.StoreException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Snapshots that a test puts into a repository without any VM. */
final class StoredSnapshots {
  private static final int PREFIX_DIGITS = 4;
  private static final int SESSIONS_MAX = 20_000;

  private StoredSnapshots() {}

  /** A snapshot of {@code vm} with one disk, {@code vda}. */
  static SnapshotRecord record(SnapshotId id, long sizeBytes, DiskRoot root) {
    DiskRecord disk =
        new DiskRecord(
            "vda",
            sizeBytes,
            "raw",
            root.root(),
            Optional.empty(),
            new DiskStatistics(0, 0, 0, 0, 0, 0, 0),
            false,
            Optional.empty());
    return new SnapshotRecord(
        id,
        "vm",
        Optional.empty(),
        Instant.parse("2026-11-01T12:00:00Z"),
        Consistency.CRASH,
        Optional.empty(),
        List.of(disk),
        List.of(),
        new SnapshotStatistics(Duration.ZERO),
        new TreeMap<>(),
        Optional.empty(),
        Optional.empty());
  }

  /** Commits a snapshot of a VM as of {@code time}, with an empty disk of 1 MiB. */
  static SnapshotRecord commitAt(ChunkStore store, String vm, Instant time) throws StoreException {
    return commitAt(store, vm, time, 1 << 20);
  }

  /**
   * Commits a snapshot of a VM as of {@code time}.
   *
   * @param sizeBytes of its disk
   * @param chunks what the disk holds from its beginning, each a whole chunk
   */
  static SnapshotRecord commitAt(
      ChunkStore store, String vm, Instant time, long sizeBytes, byte[]... chunks)
      throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
      DiskTreeBuilder disk = session.newDisk(sizeBytes, Optional.empty());
      for (int i = 0; i < chunks.length; i++) {
        disk.append(i, session.put(chunks[i], 0, chunks[i].length).join().id());
      }
      DiskRoot root = disk.finish();
      SnapshotRecord plain = record(session.snapshotId(), sizeBytes, root);
      return session.commit(
          new SnapshotRecord(
              plain.id(),
              vm,
              plain.vmUuid(),
              time,
              plain.consistency(),
              plain.parent(),
              plain.disks(),
              plain.skipped(),
              plain.statistics(),
              plain.tags(),
              plain.qemuVersion(),
              plain.vmConfiguration()));
    }
  }

  /** Commits a snapshot with an empty disk of 1 MiB. */
  static SnapshotRecord commitEmpty(BackupSession session) throws StoreException {
    DiskRoot root = session.newDisk(1 << 20, Optional.empty()).finish();
    return session.commit(record(session.snapshotId(), 1 << 20, root));
  }

  /**
   * Commits two snapshots whose ids begin with the same four digits; ids are random, so sessions
   * are begun until two agree.
   *
   * @return the digits
   */
  static String commitTwoOfOnePrefix(ChunkStore store) throws StoreException {
    Map<String, BackupSession> byPrefix = new HashMap<>();
    List<BackupSession> sessions = new ArrayList<>();
    try {
      while (sessions.size() < SESSIONS_MAX) {
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4);
        sessions.add(session);
        String prefix = session.snapshotId().hex().substring(0, PREFIX_DIGITS);
        BackupSession other = byPrefix.put(prefix, session);
        if (other != null) {
          commitEmpty(other);
          commitEmpty(session);
          return prefix;
        }
      }
    } finally {
      sessions.forEach(BackupSession::close);
    }
    throw new AssertionError("no two of " + SESSIONS_MAX + " ids begin alike");
  }
}
