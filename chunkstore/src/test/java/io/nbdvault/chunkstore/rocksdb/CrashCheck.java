package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** What must hold of a repository after {@link CrashScenario} has died in the middle. */
final class CrashCheck {
  private final Path dir;
  private final CrashExpectation expectation;
  private final boolean encrypted;

  /** What is kept: what each disk of each snapshot must hold. */
  private final Map<SnapshotId, Map<String, ScenarioDisk>> kept = new HashMap<>();

  private CrashCheck(Path dir, CrashExpectation expectation, boolean encrypted) {
    this.dir = dir;
    this.expectation = expectation;
    this.encrypted = encrypted;
  }

  /** Checks everything, at the end that nothing is left once everything is forgotten. */
  static void check(Path dir, CrashExpectation expectation, boolean encrypted) throws IOException {
    new CrashCheck(dir, expectation, encrypted).check();
  }

  private void check() throws IOException {
    if (!encrypted) {
      Inspection found = Inspection.of(dir, ScenarioDisk.CHUNK);
      assertThat(found.danglingRows()).isEmpty();
      assertThat(found.rows().keySet()).containsAll(found.reachable());
    }
    try (ChunkStore store = CrashScenario.open(dir, encrypted)) {
      checkFates(store);
      restoreAll(store);
      SnapshotId everything = backUpEverythingBesideACollection(store);
      restoreAll(store);
      forget(store, everything);
      collect(store);
      restoreAll(store);
    }
    if (!encrypted) {
      checkWhatIsLeftOver();
    }
    try (ChunkStore store = CrashScenario.open(dir, encrypted)) {
      VerifyReport report = store.verify(VerifyOptions.everything(1), progress -> true);
      assertThat(report.isClean()).as("%s %s", report.items(), report.contents()).isTrue();
      for (SnapshotId id : Set.copyOf(kept.keySet())) {
        forget(store, id);
      }
      collect(store);
    }
    Inspection empty = Inspection.of(dir, ScenarioDisk.CHUNK);
    assertThat(empty.records()).isEmpty();
    assertThat(empty.rows()).isEmpty();
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
    Map<ScenarioDisk, DiskTreeBuilder> trees = new EnumMap<>(ScenarioDisk.class);
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      for (ScenarioDisk disk : ScenarioDisk.values()) {
        trees.put(disk, session.newDisk(ScenarioDisk.SIZE_BYTES, Optional.empty()));
      }
      put(session, trees, 0, ScenarioDisk.CHUNKS / 2);
      collect(store);
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

  private static CollectReport collect(ChunkStore store) throws StoreException {
    return store.collect(CollectOptions.defaults(), CollectListener.silent());
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
