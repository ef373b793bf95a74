package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.TestRecords;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What a {@link Scenario} is made of. Says {@code begin} and {@code done} around each thing that it
 * does, for {@link CrashExpectation}.
 */
final class ScenarioSteps {
  private final ChunkStore store;
  private final Consumer<String> says;
  private final Map<ScenarioDisk, SnapshotRecord> made = new EnumMap<>(ScenarioDisk.class);

  /** Steps in an open store, which may have snapshots of earlier steps. */
  ScenarioSteps(ChunkStore store, Consumer<String> says) throws StoreException {
    this.store = store;
    this.says = says;
    for (SnapshotRecord record : store.snapshots()) {
      long second = record.time().getEpochSecond() - TestRecords.TIME.getEpochSecond();
      made.put(ScenarioDisk.valueOf(Character.toString((int) second)), record);
    }
  }

  void backUp(ScenarioDisk disk, Optional<ScenarioDisk> parent) throws StoreException {
    try (BackupSession session = begin(parent)) {
      commit(session, disk, put(session, disk, parent));
    }
  }

  /** Upon that parent if nothing is known to be damaged in it, and else all of it. */
  void backUpUponWhole(ScenarioDisk disk, ScenarioDisk parent) throws StoreException {
    backUp(disk, wholeParent(parent));
  }

  /** A disk of a snapshot as a parent: none if something is known to be damaged in it. */
  Optional<ScenarioDisk> wholeParent(ScenarioDisk parent) throws StoreException {
    boolean isDamaged =
        store.knowsDamage() && !store.findDamage(record(parent).id(), "vda").isEmpty();
    return isDamaged ? Optional.empty() : Optional.of(parent);
  }

  /** Puts all of a disk, and commits nothing. */
  void giveUp(ScenarioDisk disk) throws StoreException {
    try (BackupSession session = begin(Optional.empty())) {
      Objects.requireNonNull(put(session, disk, Optional.empty()));
    }
  }

  /** Collects while a session has put everything and not committed it. */
  void collectWithin(ScenarioDisk disk, Optional<ScenarioDisk> parent) throws StoreException {
    try (BackupSession session = begin(parent)) {
      DiskRecord vda = put(session, disk, parent);
      collect();
      commit(session, disk, vda);
    }
  }

  private BackupSession begin(Optional<ScenarioDisk> parent) throws StoreException {
    Set<SnapshotId> ids = parent.map(disk -> Set.of(record(disk).id())).orElse(Set.of());
    return store.beginBackup(ids, Compression.LZ4);
  }

  private DiskRecord put(BackupSession session, ScenarioDisk disk, Optional<ScenarioDisk> parent)
      throws StoreException {
    says.accept("begin put " + disk);
    DiskTreeBuilder tree =
        session.newDisk(
            ScenarioDisk.SIZE_BYTES, parent.flatMap(other -> record(other).disk("vda")));
    List<Integer> places = parent.isPresent() ? disk.changed(parent.get()) : disk.all();
    List<CompletableFuture<StoredChunk>> puts = new ArrayList<>();
    for (int place : places) {
      puts.add(session.put(disk.bytes(), place * ScenarioDisk.CHUNK, ScenarioDisk.CHUNK));
    }
    for (int i = 0; i < places.size(); i++) {
      tree.append(places.get(i), puts.get(i).join().id());
    }
    return TestRecords.disk("vda", ScenarioDisk.SIZE_BYTES, tree.finish().root());
  }

  private void commit(BackupSession session, ScenarioDisk disk, DiskRecord vda)
      throws StoreException {
    says.accept("begin commit " + disk + " " + session.snapshotId().hex());
    SnapshotRecord record =
        TestRecords.snapshot(
            session.snapshotId(), TestRecords.TIME.plusSeconds(disk.name().charAt(0)), vda);
    made.put(disk, session.commit(record));
    says.accept("done commit " + disk);
  }

  void forget(ScenarioDisk... disks) throws StoreException {
    List<String> names = new ArrayList<>();
    List<SnapshotId> ids = new ArrayList<>();
    for (ScenarioDisk disk : disks) {
      names.add(disk.name());
      ids.add(record(disk).id());
    }
    says.accept("begin forget " + String.join(" ", names));
    store.forget(Set.copyOf(ids));
    says.accept("done forget " + String.join(" ", names));
  }

  void undelete(ScenarioDisk disk) throws StoreException {
    says.accept("begin undelete " + disk);
    store.undelete(record(disk).id());
    says.accept("done undelete " + disk);
  }

  void setProtected(ScenarioDisk disk, boolean isProtected) throws StoreException {
    store.setProtected(record(disk).id(), isProtected);
  }

  void collect() throws StoreException {
    says.accept("begin collect");
    store.collect(CollectOptions.defaults(), CollectListener.silent());
    says.accept("done collect");
  }

  SnapshotRecord record(ScenarioDisk disk) {
    return Objects.requireNonNull(made.get(disk));
  }
}
