package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs in a process of its own and does to a repository whatever can be done, until just before the
 * n-th change on disk: there it ends the process. Says {@code begin} and {@code done} around each
 * thing that it does, for {@link CrashExpectation}.
 */
final class CrashScenario {
  /** What the process exits with where it was to end. */
  static final int HALTED = 9;

  /** Of the encrypted repository. A key file: a password would take longer than all the rest. */
  private static final KeyFile KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN]);

  private static final KeyFile OTHER_KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN + 1]);

  private final ChunkStore store;
  private final Map<ScenarioDisk, SnapshotRecord> made = new EnumMap<>(ScenarioDisk.class);

  private CrashScenario(ChunkStore store) {
    this.store = store;
  }

  /**
   * Takes the repository's directory, the number of the change before which it ends, and whether
   * the repository is encrypted.
   */
  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[0]);
    boolean encrypted = Boolean.parseBoolean(args[2]);
    AtomicInteger changes = endBefore(Integer.parseInt(args[1]));
    if (encrypted) {
      changeKeys(dir);
    }
    // Closing changes something too.
    try (ChunkStore store = open(dir, encrypted)) {
      new CrashScenario(store).run();
    }
    if (encrypted) {
      changeKeys(dir);
    }
    say("end " + changes);
  }

  /** Makes the repository in which it runs. */
  static void create(Path dir, boolean encrypted) throws StoreException {
    RepositoryOptions options = new RepositoryOptions(ScenarioDisk.CHUNK, Compression.LZ4);
    if (encrypted) {
      Repositories.createEncrypted(dir, options, KEY, "");
    } else {
      Repositories.create(dir, options);
    }
  }

  static ChunkStore open(Path dir, boolean encrypted) throws StoreException {
    return encrypted ? Repositories.open(dir, Unlocking.with(KEY)) : Repositories.open(dir);
  }

  /** A new epoch of keys, and a slot more and one less. */
  private static void changeKeys(Path dir) throws StoreException {
    try (RepositoryKeys keys = Repositories.openKeys(dir, Unlocking.with(KEY))) {
      keys.rotate();
      int added = keys.add(OTHER_KEY, "other").number();
      keys.rotate();
      keys.remove(added);
    }
  }

  private static AtomicInteger endBefore(int change) {
    AtomicInteger changes = new AtomicInteger();
    Database.beforeChange =
        () -> {
          if (changes.incrementAndGet() == change) {
            Runtime.getRuntime().halt(HALTED);
          }
        };
    return changes;
  }

  private void run() throws StoreException {
    backUp(ScenarioDisk.A, Optional.empty());
    backUp(ScenarioDisk.B, Optional.of(ScenarioDisk.A));
    backUp(ScenarioDisk.C, Optional.empty());
    backUp(ScenarioDisk.D, Optional.of(ScenarioDisk.B));
    giveUp(ScenarioDisk.E);
    forget(ScenarioDisk.A, ScenarioDisk.C);
    undelete(ScenarioDisk.A);
    collect();
    // Stores again what has just been reclaimed.
    backUp(ScenarioDisk.E, Optional.of(ScenarioDisk.D));
    forget(ScenarioDisk.A, ScenarioDisk.B, ScenarioDisk.D);
    collectWithin(ScenarioDisk.F, ScenarioDisk.E);
    setProtected(ScenarioDisk.F, true);
    forget(ScenarioDisk.E);
    collect();
    setProtected(ScenarioDisk.F, false);
  }

  private void backUp(ScenarioDisk disk, Optional<ScenarioDisk> parent) throws StoreException {
    try (BackupSession session = begin(parent)) {
      commit(session, disk, put(session, disk, parent));
    }
  }

  /** Puts all of a disk, and commits nothing. */
  private void giveUp(ScenarioDisk disk) throws StoreException {
    try (BackupSession session = begin(Optional.empty())) {
      Objects.requireNonNull(put(session, disk, Optional.empty()));
    }
  }

  /** Collects while a session has put everything and not committed it. */
  private void collectWithin(ScenarioDisk disk, ScenarioDisk parent) throws StoreException {
    try (BackupSession session = begin(Optional.of(parent))) {
      DiskRecord vda = put(session, disk, Optional.of(parent));
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
    say("begin commit " + disk + " " + session.snapshotId().hex());
    SnapshotRecord record =
        TestRecords.snapshot(
            session.snapshotId(), TestRecords.TIME.plusSeconds(disk.name().charAt(0)), vda);
    made.put(disk, session.commit(record));
    say("done commit " + disk);
  }

  private void forget(ScenarioDisk... disks) throws StoreException {
    List<String> names = new ArrayList<>();
    List<SnapshotId> ids = new ArrayList<>();
    for (ScenarioDisk disk : disks) {
      names.add(disk.name());
      ids.add(record(disk).id());
    }
    say("begin forget " + String.join(" ", names));
    store.forget(Set.copyOf(ids));
    say("done forget " + String.join(" ", names));
  }

  private void undelete(ScenarioDisk disk) throws StoreException {
    say("begin undelete " + disk);
    store.undelete(record(disk).id());
    say("done undelete " + disk);
  }

  private void setProtected(ScenarioDisk disk, boolean isProtected) throws StoreException {
    store.setProtected(record(disk).id(), isProtected);
  }

  private void collect() throws StoreException {
    say("begin collect");
    store.collect(CollectOptions.defaults(), CollectListener.silent());
    say("done collect");
  }

  private SnapshotRecord record(ScenarioDisk disk) {
    return Objects.requireNonNull(made.get(disk));
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
