package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/** What must hold of a repository after a {@link Scenario} has died in the middle. */
final class CrashCheck {
  private final Path dir;
  private final CrashExpectation expectation;
  private final Scenario scenario;

  /** What is kept: what each disk of each snapshot must hold. */
  private final Map<SnapshotId, Map<String, ScenarioDisk>> kept = new HashMap<>();

  private CrashCheck(Path dir, CrashExpectation expectation, Scenario scenario) {
    this.dir = dir;
    this.expectation = expectation;
    this.scenario = scenario;
  }

  /** Checks everything, at the end that nothing is left once everything is forgotten. */
  static void check(Path dir, CrashExpectation expectation, Scenario scenario) throws IOException {
    new CrashCheck(dir, expectation, scenario).check();
  }

  private void check() throws IOException {
    if (scenario == Scenario.PLAIN) {
      checkRows();
    }
    if (scenario == Scenario.REPAIR && !expectation.isSaid("done repair")) {
      repairWhatWasLeft();
    }
    try (ChunkStore store = scenario.open(dir)) {
      checkFates(store);
      if (scenario.beginsDamaged()) {
        heal(store);
      }
      restoreAll(store);
      SnapshotId everything = backUpEverythingBesideACollection(store);
      restoreAll(store);
      forget(store, everything);
      collect(store);
      restoreAll(store);
    }
    if (scenario == Scenario.HEALING) {
      collectFromBadFiles();
    }
    if (scenario != Scenario.ENCRYPTED) {
      checkWhatIsLeftOver();
    }
    try (ChunkStore store = scenario.open(dir)) {
      VerifyReport report = store.verify(VerifyOptions.everything(1), progress -> true);
      assertThat(report.isClean()).as("%s %s", report.items(), report.contents()).isTrue();
      assertThat(store.knowsDamage()).isFalse();
      for (SnapshotId id : Set.copyOf(kept.keySet())) {
        forget(store, id);
      }
      collect(store);
    }
    Inspection empty = Inspection.of(dir, ScenarioDisk.CHUNK);
    assertThat(empty.records()).isEmpty();
    assertThat(empty.rows()).isEmpty();
  }

  private void checkRows() throws StoreException {
    Inspection found = Inspection.of(dir, ScenarioDisk.CHUNK);
    assertThat(found.danglingRows()).isEmpty();
    assertThat(found.rows().keySet()).containsAll(found.reachable());
  }

  /** Whether it can be opened or not: repairing it then ends as if nothing had happened. */
  private void repairWhatWasLeft() throws StoreException {
    try {
      scenario.open(dir).close();
    } catch (StoreException e) {
      assertThat(dir.resolve("db")).as("%s", e).isDirectory();
    }
    Repositories.repair(dir, (what, done, expected) -> {});
  }

  /**
   * A collection leaves files with a bad block as they are; a repair puts what is whole in new
   * ones.
   */
  private void collectFromBadFiles() throws IOException {
    Repositories.repair(dir, (what, done, expected) -> {});
    try (ChunkStore store = scenario.open(dir)) {
      collect(store);
      restoreAll(store);
    }
  }

  /** What is damaged is what must be, backups rely on none of it, and one of everything heals. */
  private void heal(ChunkStore store) throws IOException {
    compareDamaged(store);
    if (scenario == Scenario.HEALING && !expectation.isSaid("done flag")) {
      store.verify(VerifyOptions.everything(1), progress -> true);
    }
    compareDamaged(store);
    for (SnapshotId id : Set.copyOf(kept.keySet())) {
      backUpUpon(store, id);
    }
    collectIfItCanBe(store);
    compareDamaged(store);
    SnapshotId everything = backUpEverything(store, () -> collectIfItCanBe(store));
    restoreAll(store);
    forget(store, everything);
  }

  /** Needs all nodes, and a row for every chunk. */
  private static void collectIfItCanBe(ChunkStore store) throws StoreException {
    try {
      collect(store);
    } catch (DamagedException e) {
      assertThat(store.knowsDamage()).as("whether it is known: %s", e).isTrue();
    }
  }

  private void compareDamaged(ChunkStore store) throws IOException {
    for (Map.Entry<SnapshotId, Map<String, ScenarioDisk>> snapshot : kept.entrySet()) {
      try (SnapshotReader reader = store.open(snapshot.getKey())) {
        for (Map.Entry<String, ScenarioDisk> entry : snapshot.getValue().entrySet()) {
          ScenarioDisk disk = entry.getValue();
          Set<Integer> refused = DamagedDisks.compare(reader.disk(entry.getKey()), disk::chunk);
          refused.removeIf(disk::isZero);
          assertThat(damaged(disk, false)).as("refused of %s", entry).containsAll(refused);
          assertThat(refused).as("refused of %s", entry).containsAll(damaged(disk, true));
        }
      }
    }
  }

  /** The places of a disk that must be refused, or that may be. */
  private Set<Integer> damaged(ScenarioDisk disk, boolean certainly) {
    Set<Integer> places = new TreeSet<>();
    for (ScenarioDamage damage : ScenarioDamage.of(scenario)) {
      String line = certainly ? "begin put " : "done commit ";
      if (damage.healedBy().map(by -> expectation.isSaid(line + by)).orElse(false)) {
        continue;
      }
      places.addAll(damage.places(disk));
    }
    return places;
  }

  /** Another disk upon a snapshot in which no damage is known: that must be whole. */
  private void backUpUpon(ChunkStore store, SnapshotId id) throws IOException {
    SnapshotRecord parent = store.snapshot(id).orElseThrow();
    if (store.knowsDamage() && !store.findDamage(id, "vda").isEmpty()) {
      return;
    }
    try (BackupSession session = store.beginBackup(Set.of(id), Compression.LZ4)) {
      DiskTreeBuilder tree = session.newDisk(ScenarioDisk.SIZE_BYTES, parent.disk("vda"));
      DiskRecord vda = TestRecords.disk("vda", ScenarioDisk.SIZE_BYTES, tree.finish().root());
      session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
      try (SnapshotReader reader = store.open(session.snapshotId())) {
        ScenarioDisk disk = Objects.requireNonNull(kept.get(id)).get("vda");
        assertThat(DiskImage.readAll(reader.disk("vda")))
            .isEqualTo(Objects.requireNonNull(disk).bytes());
      }
      store.forget(Set.of(session.snapshotId()));
    }
  }

  private void checkFates(ChunkStore store) throws StoreException {
    boolean bringBack = false;
    for (Map.Entry<ScenarioDisk, SnapshotId> entry : expectation.ids().entrySet()) {
      SnapshotId id = entry.getValue();
      bringBack = !bringBack;
      switch (expectation.fate(entry.getKey(), store.catalog())) {
        case ABSENT, CONDEMNED -> {
          assertThatThrownBy(() -> store.open(id)).isInstanceOf(NoSuchSnapshotException.class);
          assertThatThrownBy(() -> store.undelete(id)).isInstanceOf(NoSuchSnapshotException.class);
        }
        case KEPT -> kept.put(id, Map.of("vda", entry.getKey()));
        case FORGOTTEN -> {
          assertThatThrownBy(() -> store.open(id)).isInstanceOf(NoSuchSnapshotException.class);
          // Every other one stays forgotten.
          if (bringBack) {
            store.undelete(id);
            kept.put(id, Map.of("vda", entry.getKey()));
          }
        }
      }
    }
    assertThat(store.snapshots()).extracting(SnapshotRecord::id).hasSameElementsAs(kept.keySet());
  }

  private void restoreAll(ChunkStore store) throws IOException {
    for (Map.Entry<SnapshotId, Map<String, ScenarioDisk>> snapshot : kept.entrySet()) {
      try (SnapshotReader reader = store.open(snapshot.getKey())) {
        for (Map.Entry<String, ScenarioDisk> disk : snapshot.getValue().entrySet()) {
          assertThat(DiskImage.readAll(reader.disk(disk.getKey())))
              .as("disk %s of snapshot %s", disk, snapshot.getKey())
              .isEqualTo(disk.getValue().bytes());
        }
      }
    }
  }

  /**
   * The collection finishes what was killed, while a session relies on what that would take away.
   */
  private SnapshotId backUpEverythingBesideACollection(ChunkStore store) throws StoreException {
    return backUpEverything(store, () -> collect(store));
  }

  /** Something that is done in the middle of a backup. */
  @FunctionalInterface
  private interface Meanwhile {
    void run() throws StoreException;
  }

  private SnapshotId backUpEverything(ChunkStore store, Meanwhile meanwhile) throws StoreException {
    Map<ScenarioDisk, DiskTreeBuilder> trees = new EnumMap<>(ScenarioDisk.class);
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      for (ScenarioDisk disk : ScenarioDisk.values()) {
        trees.put(disk, session.newDisk(ScenarioDisk.SIZE_BYTES, Optional.empty()));
      }
      put(session, trees, 0, ScenarioDisk.CHUNKS / 2);
      meanwhile.run();
      put(session, trees, ScenarioDisk.CHUNKS / 2, ScenarioDisk.CHUNKS);
      List<DiskRecord> records = new ArrayList<>();
      Map<String, ScenarioDisk> disks = new HashMap<>();
      for (Map.Entry<ScenarioDisk, DiskTreeBuilder> tree : trees.entrySet()) {
        String name = tree.getKey().name();
        disks.put(name, tree.getKey());
        records.add(
            TestRecords.disk(name, ScenarioDisk.SIZE_BYTES, tree.getValue().finish().root()));
      }
      session.commit(
          TestRecords.snapshot(
              session.snapshotId(), TestRecords.TIME, records.toArray(new DiskRecord[0])));
      kept.put(session.snapshotId(), disks);
      return session.snapshotId();
    }
  }

  private static void put(
      BackupSession session, Map<ScenarioDisk, DiskTreeBuilder> trees, int first, int end)
      throws StoreException {
    for (Map.Entry<ScenarioDisk, DiskTreeBuilder> tree : trees.entrySet()) {
      List<CompletableFuture<StoredChunk>> puts = new ArrayList<>();
      for (int place = first; place < end; place++) {
        puts.add(
            session.put(tree.getKey().bytes(), place * ScenarioDisk.CHUNK, ScenarioDisk.CHUNK));
      }
      for (int place = first; place < end; place++) {
        tree.getValue().append(place, puts.get(place - first).join().id());
      }
    }
  }

  private void forget(ChunkStore store, SnapshotId id) throws StoreException {
    store.setProtected(id, false);
    store.forget(Set.of(id));
    kept.remove(id);
  }

  private static void collect(ChunkStore store) throws StoreException {
    store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  /** Ninety of a hundred bytes that could go are gone, and every row has its record. */
  private void checkWhatIsLeftOver() throws StoreException {
    Inspection found = Inspection.of(dir, ScenarioDisk.CHUNK);
    assertThat(found.danglingRows()).isEmpty();
    assertThat(found.rows().keySet()).containsAll(found.reachable());
    assertThat(found.records().keySet())
        .as("records with a row")
        .containsExactlyInAnyOrderElementsOf(found.rows().values());
    long all = found.records().values().stream().mapToLong(Integer::longValue).sum();
    long left = all - found.reachableBytes();
    // Everything that the scenario's disks hold was there.
    long gone = ScenarioDisk.distinctBytes() - found.reachableBytes();
    assertThat(left).as("bytes that nothing reaches").isLessThanOrEqualTo(gone / 10);
    assertThat(found.fileBytes())
        .as("bytes of the database")
        .isLessThanOrEqualTo(found.reachableBytes() + gone / 10 + (64 << 10));
  }
}
