package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.StatisticsListener.Phase;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreStatistics;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Makes the statistics of a store.
 *
 * @param reader reads nodes
 * @param index the rows of all that is stored
 * @param chunkSizeBytes of the repository
 * @param wordsMax see {@link StatisticsWalk}
 * @param listener is told how far it is
 */
record StatisticsJob(
    ContentReader reader,
    IndexScan index,
    int chunkSizeBytes,
    int wordsMax,
    StatisticsListener listener) {

  /** Makes them over these snapshots, oldest first, which must be kept from being reclaimed. */
  StoreStatistics run(List<SnapshotRecord> snapshots) throws StoreException {
    Map<String, List<SnapshotRecord>> byVm = new TreeMap<>();
    for (SnapshotRecord snapshot : snapshots) {
      byVm.computeIfAbsent(snapshot.vm(), vm -> new ArrayList<>()).add(snapshot);
    }
    List<Integer> vmsOfSnapshots = new ArrayList<>();
    for (List<SnapshotRecord> ofVm : byVm.values()) {
      int vm = vmsOfSnapshots.isEmpty() ? 0 : vmsOfSnapshots.get(vmsOfSnapshots.size() - 1) + 1;
      ofVm.forEach(snapshot -> vmsOfSnapshots.add(vm));
    }
    Owners owners = new Owners(vmsOfSnapshots, byVm.size());
    StatisticsWalk walk =
        new StatisticsWalk(reader, index, owners, chunkSizeBytes, wordsMax, listener);
    List<Long> dataBytes = new ArrayList<>();
    for (List<SnapshotRecord> ofVm : byVm.values()) {
      for (SnapshotRecord snapshot : ofVm) {
        dataBytes.add(walk.addSnapshot(owners.snapshot(dataBytes.size()), snapshot));
      }
    }
    walk.addUp();
    listener.progress(Phase.CHUNKS, 1 << 16, 1 << 16);
    return report(byVm, owners, walk, dataBytes);
  }

  private static StoreStatistics report(
      Map<String, List<SnapshotRecord>> byVm,
      Owners owners,
      StatisticsWalk walk,
      List<Long> dataBytes) {
    ContentTotals reachable = ContentTotals.NONE;
    for (int owner = 0; owner < owners.count(); owner++) {
      reachable = reachable.plus(walk.of(owner));
    }
    List<StoreStatistics.Vm> vms = new ArrayList<>();
    int number = 0;
    for (Map.Entry<String, List<SnapshotRecord>> vm : byVm.entrySet()) {
      ContentTotals alone = walk.of(owners.vm(vms.size()));
      List<StoreStatistics.Snapshot> snapshots = new ArrayList<>();
      for (SnapshotRecord snapshot : vm.getValue()) {
        ContentTotals ofSnapshot = walk.of(owners.snapshot(number));
        alone = alone.plus(ofSnapshot);
        snapshots.add(
            new StoreStatistics.Snapshot(
                snapshot.id(),
                snapshot.disks().stream().mapToLong(DiskRecord::sizeBytes).sum(),
                dataBytes.get(number),
                ofSnapshot));
        number++;
      }
      vms.add(new StoreStatistics.Vm(vm.getKey(), alone, snapshots));
    }
    return new StoreStatistics(
        reachable.plus(walk.unreachable()), reachable, walk.missingChunks(), vms);
  }
}
