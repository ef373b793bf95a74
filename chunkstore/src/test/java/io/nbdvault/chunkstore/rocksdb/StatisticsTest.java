package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class StatisticsTest {
  private static final int HISTORIES = 6;

  @TempDir private Path temporary;

  @Test
  void agreesWithSetsOfEverySnapshotOverRandomHistories() throws StoreException {
    Random random = Seeds.random("statistics");
    for (int history = 0; history < HISTORIES; history++) {
      Path dir = temporary.resolve("repository" + history);
      Repositories.create(dir, new RepositoryOptions(RandomHistory.CHUNK, Compression.zstd(1)));
      List<SnapshotRecord> snapshots;
      StoreStatistics ofStore;
      try (ChunkStore store = Repositories.open(dir)) {
        new RandomHistory(store, random).run(4 + random.nextInt(12));
        snapshots = store.snapshots();
        ofStore = store.statistics(StatisticsListener.silent());
      }
      try (Database database = readOnly(dir)) {
        ContentReader reader = newReader(database);
        StoreStatistics expected = new ByHand(database, reader).statistics(snapshots);
        assertThat(ofStore).isEqualTo(expected);
        for (int wordsMax : new int[] {2, 5, 17}) {
          assertThat(statistics(database, reader, wordsMax, snapshots)).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void readsASharedTreeOnceAndTheChangesOfEachSnapshot() throws StoreException {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, new RepositoryOptions(RandomHistory.CHUNK, Compression.LZ4));
    List<SnapshotRecord> snapshots;
    try (ChunkStore store = Repositories.open(dir)) {
      new RandomHistory(store, new Random(1)).smallChanges(40);
      snapshots = store.snapshots();
    }
    try (Database database = readOnly(dir)) {
      ContentReader reader = newReader(database);
      Owners owners = new Owners(snapshots.stream().map(snapshot -> 0).toList(), 1);
      StatisticsWalk walk =
          new StatisticsWalk(
              reader,
              new IndexScan(database),
              owners,
              RandomHistory.CHUNK,
              1000,
              StatisticsListener.silent());
      for (int i = 0; i < snapshots.size(); i++) {
        walk.addSnapshot(owners.snapshot(i), snapshots.get(i));
      }
      walk.addUp();
      // 118 leaves and a root at first; then a leaf and a root in each, and once more the root that
      // is not alone any more.
      assertThat(walk.nodesRead()).isLessThanOrEqualTo(119 + 40 * 3);
      assertThat(walk.missingChunks()).isZero();
    }
  }

  @Test
  void countsChunksThatTheIndexDoesNotHave() throws StoreException {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, new RepositoryOptions(RandomHistory.CHUNK, Compression.LZ4));
    ChunkId lost;
    try (ChunkStore store = Repositories.open(dir)) {
      lost = new RandomHistory(store, new Random(1)).smallChanges(3);
    }
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE);
        RowBatch batch = database.newBatch()) {
      batch.delete(Family.INDEX, new IndexKey(RecordType.CHUNK, lost).encode());
      database.write(batch);
      database.flush();
    }
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      assertThat(store.statistics(StatisticsListener.silent()).missingChunks()).isEqualTo(1);
    }
  }

  private static StoreStatistics statistics(
      Database database, ContentReader reader, int wordsMax, List<SnapshotRecord> snapshots)
      throws StoreException {
    return new StatisticsJob(
            reader,
            new IndexScan(database),
            RandomHistory.CHUNK,
            wordsMax,
            StatisticsListener.silent())
        .run(snapshots);
  }

  private static Database readOnly(Path dir) throws StoreException {
    return Database.open("test", dir.resolve("db"), DatabaseAccess.READ_ONLY);
  }

  private static ContentReader newReader(Database database) {
    return new ContentReader(database, new PlainContent(), RandomHistory.CHUNK);
  }

  /** The same by sets of keys, one for each snapshot. */
  private record ByHand(Database database, ContentReader reader) {
    StoreStatistics statistics(List<SnapshotRecord> snapshots) throws StoreException {
      Map<SnapshotRecord, Set<IndexKey>> reached = new HashMap<>();
      Set<IndexKey> all = new HashSet<>();
      for (SnapshotRecord snapshot : snapshots) {
        reached.put(snapshot, keysOf(snapshot));
        all.addAll(keysOf(snapshot));
      }
      Set<IndexKey> stored = new HashSet<>();
      new IndexScan(database).forEach((key, row) -> stored.add(key));
      List<StoreStatistics.Vm> vms = new ArrayList<>();
      for (String vm : snapshots.stream().map(SnapshotRecord::vm).distinct().sorted().toList()) {
        List<SnapshotRecord> own = snapshots.stream().filter(s -> s.vm().equals(vm)).toList();
        List<StoreStatistics.Snapshot> ofVm = new ArrayList<>();
        for (SnapshotRecord snapshot : own) {
          ContentTotals alone = totals(alone(List.of(snapshot), reached));
          ofVm.add(
              new StoreStatistics.Snapshot(
                  snapshot.id(), sizeOf(snapshot), dataOf(snapshot), alone));
        }
        vms.add(new StoreStatistics.Vm(vm, totals(alone(own, reached)), ofVm));
      }
      return new StoreStatistics(totals(stored), totals(all), 0, vms);
    }

    private static Set<IndexKey> alone(
        List<SnapshotRecord> some, Map<SnapshotRecord, Set<IndexKey>> reached) {
      Set<IndexKey> keys = new HashSet<>();
      some.forEach(snapshot -> keys.addAll(Objects.requireNonNull(reached.get(snapshot))));
      reached.forEach(
          (snapshot, others) -> {
            if (!some.contains(snapshot)) {
              keys.removeAll(others);
            }
          });
      return keys;
    }

    private ContentTotals totals(Set<IndexKey> keys) throws StoreException {
      ContentTotals sum = ContentTotals.NONE;
      for (IndexKey key : keys) {
        IndexRow row = Objects.requireNonNull(reader.lookUp(key));
        int stored = reader.recordLength(key, row);
        sum =
            sum.plus(
                key.type() == RecordType.NODE
                    ? new ContentTotals(0, 0, 0, 1, stored)
                    : new ContentTotals(1, row.plainLength(), stored, 0, 0));
      }
      return sum;
    }

    private Set<IndexKey> keysOf(SnapshotRecord snapshot) throws StoreException {
      Set<IndexKey> keys = new HashSet<>();
      for (DiskRecord disk : snapshot.disks()) {
        collect(disk.root(), keys);
      }
      return keys;
    }

    private long collect(ChunkId node, Set<IndexKey> keys) throws StoreException {
      if (node.isZero()) {
        return 0;
      }
      keys.add(new IndexKey(RecordType.NODE, node));
      TreeNode read = reader.read(node);
      long data = 0;
      for (ChunkId child : read.children()) {
        if (read.level() > 0) {
          data += collect(child, keys);
        } else if (!child.isZero()) {
          keys.add(new IndexKey(RecordType.CHUNK, child));
          data++;
        }
      }
      return data;
    }

    private static long sizeOf(SnapshotRecord snapshot) {
      return snapshot.disks().stream().mapToLong(DiskRecord::sizeBytes).sum();
    }

    private long dataOf(SnapshotRecord snapshot) throws StoreException {
      long data = 0;
      for (DiskRecord disk : snapshot.disks()) {
        long bytes = collect(disk.root(), new HashSet<>()) * RandomHistory.CHUNK;
        data += Math.min(bytes, disk.sizeBytes());
      }
      return data;
    }
  }
}
