package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Does everything that goes over the whole catalog, in a process of its own with a small heap. */
final class BigCatalog {
  private BigCatalog() {}

  /**
   * Runs.
   *
   * @param arguments the repository, and how many snapshots it has
   */
  public static void main(String[] arguments) throws Exception {
    Path repository = Path.of(arguments[0]);
    int count = Integer.parseInt(arguments[1]);
    try (ChunkStore store = Repositories.openReadOnly(repository)) {
      expect(store.catalog().size(), count, "catalog");
      expect(store.snapshots().size(), count, "snapshots");
      CollectOptions dryRun = new CollectOptions(true, OptionalLong.empty());
      CollectReport report = store.collect(dryRun, CollectListener.silent());
      expect(report.snapshotsReclaimed(), 0, "dry run");
    }
    try (ChunkStore store = Repositories.open(repository)) {
      SnapshotId parent = store.snapshots().get(0).id();
      DiskImage disk = new DiskImage(1 << 20, DamagedRepository.CHUNK);
      disk.fill(0, 'b');
      try (BackupSession session = store.beginBackup(Set.of(parent), Compression.LZ4)) {
        var vda = disk.backUp(session, "vda", Optional.empty());
        session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
      }
      store.forget(Set.of(parent));
      expect(store.statistics(StatisticsListener.silent()).vms().size(), 1, "VMs");
      var verified = store.verify(VerifyOptions.everything(2), progress -> true);
      expect(verified.isClean() ? verified.snapshots() : -1, count, "verified");
      CollectReport report = store.collect(CollectOptions.defaults(), CollectListener.silent());
      expect(report.snapshotsReclaimed(), 1, "reclaimed");
      expect(store.catalog().size(), count, "catalog at the end");
    }
  }

  private static void expect(long found, long expected, String what) {
    if (found != expected) {
      throw new AssertionError(what + ": " + found + " (expected: " + expected + ")");
    }
  }
}
