package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Makes repositories that are damaged, and what is done about it. */
final class DamageScenarios {
  private DamageScenarios() {}

  /** One in which everything is damaged that a verification can flag or mend. */
  static List<String> makeToHeal(Path dir) throws Exception {
    List<String> said = new ArrayList<>();
    ChunkId root;
    try (ChunkStore store = Repositories.open(dir)) {
      ScenarioSteps steps = new ScenarioSteps(store, said::add);
      steps.backUp(ScenarioDisk.A, Optional.empty());
      steps.backUp(ScenarioDisk.B, Optional.of(ScenarioDisk.A));
      steps.backUp(ScenarioDisk.C, Optional.empty());
      root = root(steps.record(ScenarioDisk.A));
    }
    DamagedRepository repository = DamagedRepository.at(dir);
    IndexKey leaf = repository.childKey(root, ScenarioDamage.LEAF);
    repository.spoil(key(ScenarioDamage.BLOCK));
    // Not its block: the root lies there too, which nothing that is backed up here heals.
    repository.flipBit(leaf);
    repository.flipBit(key(ScenarioDamage.RECORD));
    repository.changeUnderItsChecksum(key(ScenarioDamage.CONTENT));
    repository.flipBit(key(ScenarioDamage.FOR_GOOD));
    repository.delete(Family.INDEX, key(ScenarioDamage.ROW).encode());
    byte[] row = repository.get(Family.INDEX, key(ScenarioDamage.HARMLESS_ROW).encode());
    row[row.length / 2] ^= 1;
    repository.put(Family.INDEX, key(ScenarioDamage.HARMLESS_ROW).encode(), row);
    return said;
  }

  /** Flags, heals beside a collection, collects what is left of the damaged records. */
  static void heal(Path dir, Consumer<String> says) throws StoreException {
    try (ChunkStore store = Repositories.open(dir)) {
      ScenarioSteps steps = new ScenarioSteps(store, says);
      says.accept("begin flag");
      store.verify(VerifyOptions.everything(1), progress -> true);
      says.accept("done flag");
      steps.giveUp(ScenarioDisk.D);
      steps.backUpUponWhole(ScenarioDisk.D, ScenarioDisk.B);
      steps.collect();
      steps.forget(ScenarioDisk.A);
      steps.collectWithin(ScenarioDisk.E, steps.wholeParent(ScenarioDisk.D));
      steps.forget(ScenarioDisk.C);
      steps.collect();
    }
  }

  /**
   * One in which a block of records cannot be read, nor what a collection has deleted from the
   * index: so the rows show again that it deleted, and one of a record that was healed before.
   */
  static List<String> makeToRepair(Path dir) throws Exception {
    List<String> said = new ArrayList<>();
    DamagedRepository repository = DamagedRepository.at(dir);
    List<Path> before;
    try (ChunkStore store = Repositories.open(dir)) {
      ScenarioSteps steps = new ScenarioSteps(store, said::add);
      steps.backUp(ScenarioDisk.A, Optional.empty());
      steps.backUp(ScenarioDisk.B, Optional.of(ScenarioDisk.A));
      steps.backUp(ScenarioDisk.C, Optional.empty());
    }
    repository.changeUnderItsChecksum(key(ScenarioDamage.CONTENT));
    try (ChunkStore store = Repositories.open(dir)) {
      ScenarioSteps steps = new ScenarioSteps(store, said::add);
      store.verify(VerifyOptions.everything(1), progress -> true);
      before = repository.tables(Family.INDEX);
      steps.forget(ScenarioDisk.B);
      steps.collect();
      // Heals. What it heals is no garbage that the collection could take away.
      steps.giveUp(ScenarioDisk.A);
    }
    IndexKey record = key(ScenarioDamage.RECORD);
    repository.spoil(record);
    List<Path> newer = new ArrayList<>(repository.tables(Family.INDEX));
    newer.removeAll(before);
    for (Path table : newer) {
      DamagedRepository.flipByte(table, 10);
    }
    return said;
  }

  /** Repairs, backs up what the damaged files had before anything is verified, collects. */
  static void repair(Path dir, Consumer<String> says) throws StoreException {
    says.accept("begin repair");
    Repositories.repair(dir, (what, done, expected) -> {});
    says.accept("done repair");
    try (ChunkStore store = Repositories.open(dir)) {
      ScenarioSteps steps = new ScenarioSteps(store, says);
      steps.backUpUponWhole(ScenarioDisk.D, ScenarioDisk.A);
      steps.backUpUponWhole(ScenarioDisk.B, ScenarioDisk.D);
      steps.collect();
      steps.forget(ScenarioDisk.A);
      steps.collectWithin(ScenarioDisk.E, steps.wholeParent(ScenarioDisk.D));
      steps.forget(ScenarioDisk.C);
      steps.collect();
    }
  }

  private static IndexKey key(ScenarioDamage damage) {
    int from = damage.first() * ScenarioDisk.CHUNK;
    return new IndexKey(
        RecordType.CHUNK, ContentId.of(damage.disk().bytes(), from, ScenarioDisk.CHUNK));
  }

  private static ChunkId root(SnapshotRecord snapshot) {
    return snapshot.disks().get(0).root();
  }
}
