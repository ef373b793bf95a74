package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Backups of some VMs whose disks have much in common, with few different chunks in trees of up to
 * three levels, and some that are forgotten.
 */
final class RandomHistory {
  static final int CHUNK = 16 << 10;

  private static final int CONTENTS = 60;
  private static final List<Integer> CHUNK_COUNTS = List.of(3, 130, 400, 15_000, 40_000);

  private final ChunkStore store;
  private final Random random;
  private final List<SnapshotRecord> kept = new ArrayList<>();
  private int backups;

  RandomHistory(ChunkStore store, Random random) {
    this.store = store;
    this.random = random;
  }

  /** Makes so many backups. */
  void run(int count) throws StoreException {
    for (int i = 0; i < count; i++) {
      backUp("vm" + random.nextInt(3));
      if (random.nextInt(5) == 0) {
        SnapshotRecord forgotten = kept.remove(random.nextInt(kept.size()));
        store.forget(Set.of(forgotten.id()));
      }
    }
  }

  /**
   * Backs up a disk of 15,000 chunks and then so many changes of one chunk each.
   *
   * @return a chunk that the last one has
   */
  ChunkId smallChanges(int count) throws StoreException {
    ChunkId last = ChunkId.ZERO;
    Optional<SnapshotRecord> parent = Optional.empty();
    for (int change = 0; change <= count; change++) {
      Set<SnapshotId> parents = new HashSet<>();
      parent.ifPresent(record -> parents.add(record.id()));
      try (BackupSession session = store.beginBackup(parents, Compression.LZ4)) {
        DiskTreeBuilder tree =
            session.newDisk(15_000L * CHUNK, parent.flatMap(record -> record.disk("vda")));
        if (change == 0) {
          for (int chunk = 0; chunk < 15_000; chunk++) {
            tree.append(chunk, put(session, chunk % 251));
          }
        } else {
          last = put(session, 1000 + change);
          tree.append(change * 300L, last);
        }
        parent = Optional.of(commit(session, "vm", disk("vda", 15_000L * CHUNK, tree)));
      }
    }
    return last;
  }

  private void backUp(String vm) throws StoreException {
    Optional<SnapshotRecord> parent =
        kept.isEmpty() || random.nextInt(4) == 0
            ? Optional.empty()
            : Optional.of(kept.get(random.nextInt(kept.size())));
    Set<SnapshotId> parents = new HashSet<>();
    parent.ifPresent(record -> parents.add(record.id()));
    try (BackupSession session = store.beginBackup(parents, Compression.zstd(1))) {
      List<DiskRecord> disks = new ArrayList<>();
      for (String name : List.of("vda", "vdb").subList(0, 1 + random.nextInt(2))) {
        disks.add(change(session, name, parent.flatMap(record -> record.disk(name))));
      }
      kept.add(commit(session, vm, disks.toArray(new DiskRecord[0])));
    }
  }

  private DiskRecord change(BackupSession session, String name, Optional<DiskRecord> parent)
      throws StoreException {
    long chunks = CHUNK_COUNTS.get(random.nextInt(CHUNK_COUNTS.size()));
    long sizeBytes =
        parent.map(DiskRecord::sizeBytes).orElse(chunks * CHUNK - random.nextInt(CHUNK));
    DiskTreeBuilder tree = session.newDisk(sizeBytes, parent);
    long count = (sizeBytes + CHUNK - 1) / CHUNK;
    long chunk = 0;
    while (chunk < count) {
      int run = 1 + random.nextInt(300);
      int content = random.nextInt(CONTENTS);
      boolean repeated = random.nextBoolean();
      for (; run > 0 && chunk < count - 1; run--, chunk++) {
        tree.append(chunk, put(session, repeated ? content : (int) (chunk % CONTENTS)));
      }
      chunk += random.nextInt(random.nextBoolean() ? 10 : 20_000);
    }
    return disk(name, sizeBytes, tree);
  }

  private static DiskRecord disk(String name, long sizeBytes, DiskTreeBuilder tree)
      throws StoreException {
    return TestRecords.disk(name, sizeBytes, tree.finish().root());
  }

  private SnapshotRecord commit(BackupSession session, String vm, DiskRecord... disks)
      throws StoreException {
    SnapshotRecord record =
        TestRecords.snapshot(session.snapshotId(), TestRecords.TIME.plusSeconds(backups++), disks);
    return session.commit(
        new SnapshotRecord(
            record.id(),
            vm,
            record.vmUuid(),
            record.time(),
            record.consistency(),
            record.parent(),
            record.disks(),
            record.skipped(),
            record.statistics(),
            record.tags(),
            record.qemuVersion(),
            record.vmConfiguration()));
  }

  /** Content of that number: 0 is zeros. */
  private static ChunkId put(BackupSession session, int number) {
    byte[] content = new byte[CHUNK];
    for (int i = 0; i < number % 13 * 100; i += 4) {
      ByteBuffer.wrap(content).putInt(i, number * 31 + i * i);
    }
    ByteBuffer.wrap(content).putInt(CHUNK - 4, number);
    return session.put(content, 0, CHUNK).join().id();
  }
}
