package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.ProtectedSnapshotException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.rocksdb.RandomModel.Fate;
import io.nbdvault.chunkstore.rocksdb.RandomModel.Snapshot;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Does one thing after the other to the snapshots of one VM. Belongs to one thread. */
final class RandomWorker {
  /** Few enough that VMs share content, and that what was reclaimed comes again. */
  private static final int CONTENTS = 600;

  private static final int SNAPSHOTS_MAX = 8;
  private static final int USED_CHUNKS = 30;

  private final ChunkStore store;
  private final RandomModel model;
  private final Consumer<String> journal;
  private final int vm;
  private final Random random;

  RandomWorker(
      ChunkStore store, RandomModel model, Consumer<String> journal, int vm, Random random) {
    this.store = store;
    this.model = model;
    this.journal = journal;
    this.vm = vm;
    this.random = random;
  }

  void doSomething() throws IOException {
    List<Snapshot> kept = model.of(vm, Fate.KEPT);
    List<Snapshot> forgotten = model.of(vm, Fate.FORGOTTEN);
    int choice = kept.size() > SNAPSHOTS_MAX ? 60 : random.nextInt(100);
    if (kept.isEmpty() || choice < 20) {
      backUp(Optional.empty());
    } else if (choice < 50) {
      backUp(Optional.of(pick(kept)));
    } else if (choice < 70) {
      forget(pick(kept));
    } else if (choice < 80) {
      if (!forgotten.isEmpty()) {
        undelete(pick(forgotten));
      }
    } else if (choice < 85) {
      protect(pick(kept));
    } else if (choice < 90) {
      forgetWhileItIsRead(pick(kept));
    } else {
      RandomModel.checkContent(store, pick(kept));
    }
  }

  private Snapshot pick(List<Snapshot> some) {
    return some.get(random.nextInt(some.size()));
  }

  private void backUp(Optional<Snapshot> parent) throws StoreException {
    int[] content = parent.map(Snapshot::content).orElseGet(() -> new int[RandomModel.CHUNKS]);
    List<Integer> changed = new ArrayList<>();
    int changes = parent.isPresent() ? 1 + random.nextInt(6) : USED_CHUNKS;
    for (int i = 0; i < changes; i++) {
      int place = random.nextInt(RandomModel.CHUNKS);
      content[place] = random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(CONTENTS);
      if (!changed.contains(place)) {
        changed.add(place);
      }
    }
    if (parent.isPresent() && isDamaged(parent.get())) {
      // As whoever would build upon it must. All of it is put, which heals what it holds.
      backUpAll(content);
      return;
    }
    changed.sort(null);
    Set<SnapshotId> parents = parent.map(snapshot -> Set.of(snapshot.id())).orElse(Set.of());
    Optional<DiskRecord> disk = Optional.empty();
    if (parent.isPresent()) {
      disk = store.snapshot(parent.get().id()).orElseThrow().disk("vda");
    }
    try (BackupSession session = store.beginBackup(parents, Compression.LZ4)) {
      if (parent.isPresent() && random.nextInt(4) == 0) {
        // It stays the parent all the same.
        forget(parent.get());
      }
      DiskRecord vda = put(session, disk, content, changed);
      if (random.nextInt(8) > 0) {
        commit(session, content, changed, vda);
      }
    }
  }

  private boolean isDamaged(Snapshot parent) throws StoreException {
    return store.knowsDamage() && !store.findDamage(parent.id(), "vda").isEmpty();
  }

  /** Backs up all of a disk in full. */
  void backUpAll(int[] content) throws StoreException {
    List<Integer> used =
        IntStream.range(0, content.length).filter(place -> content[place] > 0).boxed().toList();
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      commit(session, content, used, put(session, Optional.empty(), content, used));
    }
  }

  private static DiskRecord put(
      BackupSession session, Optional<DiskRecord> parent, int[] content, List<Integer> changed)
      throws StoreException {
    DiskTreeBuilder tree = session.newDisk(RandomModel.SIZE_BYTES, parent);
    List<CompletableFuture<StoredChunk>> puts = new ArrayList<>();
    for (int place : changed) {
      puts.add(session.put(RandomModel.chunk(content[place]), 0, RandomModel.CHUNK));
    }
    for (int i = 0; i < changed.size(); i++) {
      tree.append(changed.get(i), puts.get(i).join().id());
    }
    return TestRecords.disk("vda", RandomModel.SIZE_BYTES, tree.finish().root());
  }

  private void commit(BackupSession session, int[] content, List<Integer> changed, DiskRecord vda)
      throws StoreException {
    int[] stored = changed.stream().mapToInt(place -> content[place]).toArray();
    journal.accept(RandomModel.commitLine(session.snapshotId(), vm, content, stored));
    session.commit(TestRecords.snapshot(session.snapshotId(), Instant.now(), vda));
    journal.accept("done commit " + session.snapshotId().hex());
  }

  private void forget(Snapshot snapshot) throws StoreException {
    if (snapshot.isProtected()) {
      assertThatThrownBy(() -> store.forget(Set.of(snapshot.id())))
          .isInstanceOf(ProtectedSnapshotException.class);
      return;
    }
    journal.accept("begin forget " + snapshot.id().hex());
    store.forget(Set.of(snapshot.id()));
    journal.accept("done forget " + snapshot.id().hex());
  }

  private void forgetWhileItIsRead(Snapshot snapshot) throws IOException {
    try (SnapshotReader reader = store.open(snapshot.id())) {
      forget(snapshot);
      // Long enough for a collection to come and go.
      Thread.sleep(random.nextInt(300));
      RandomModel.checkContent(reader, snapshot);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private void undelete(Snapshot snapshot) throws IOException {
    try {
      journal.accept("begin undelete " + snapshot.id().hex());
      store.undelete(snapshot.id());
    } catch (NoSuchSnapshotException e) {
      journal.accept("done forget " + snapshot.id().hex());
      if (store.catalog().stream().noneMatch(e2 -> e2.record().id().equals(snapshot.id()))) {
        journal.accept("done gone " + snapshot.id().hex());
      }
      return;
    }
    journal.accept("done undelete " + snapshot.id().hex());
    RandomModel.checkContent(store, snapshot);
  }

  private void protect(Snapshot snapshot) throws StoreException {
    boolean isProtected = !snapshot.isProtected();
    store.setProtected(snapshot.id(), isProtected);
    journal.accept("done " + (isProtected ? "protect " : "unprotect ") + snapshot.id().hex());
  }
}
