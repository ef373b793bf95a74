package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.file.Path;
import java.util.List;

/** What is done by {@link CrashScenario}, each in a new repository. */
enum Scenario {
  /** Everything but damage. */
  PLAIN(600),
  /** The same, encrypted, with its keys changed before and after. */
  ENCRYPTED(750),
  /** Rows, records, a node and a block are damaged: it verifies, heals and collects. */
  HEALING(420),
  /** Tables of records and of the index are damaged: it repairs, backs up and collects. */
  REPAIR(380);

  /** Of the encrypted repository. A key file: a password would take longer than all the rest. */
  private static final KeyFile KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN]);

  private static final KeyFile OTHER_KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN + 1]);

  private final int changesExpected;

  Scenario(int changesExpected) {
    this.changesExpected = changesExpected;
  }

  /** About how many changes on disk there are: how the writer's batches fall decides. */
  int changesExpected() {
    return changesExpected;
  }

  /** Whether anything is damaged in the repository that it begins with. */
  boolean beginsDamaged() {
    return this == HEALING || this == REPAIR;
  }

  /** Makes the repository in which it runs. Returns what was said and done meanwhile. */
  List<String> create(Path dir) throws Exception {
    RepositoryOptions options = new RepositoryOptions(ScenarioDisk.CHUNK, Compression.LZ4);
    if (this == ENCRYPTED) {
      Repositories.createEncrypted(dir, options, KEY, "");
    } else {
      Repositories.create(dir, options);
    }
    return switch (this) {
      case PLAIN, ENCRYPTED -> List.of();
      case HEALING -> DamageScenarios.makeToHeal(dir);
      case REPAIR -> DamageScenarios.makeToRepair(dir);
    };
  }

  ChunkStore open(Path dir) throws StoreException {
    return this == ENCRYPTED ? Repositories.open(dir, Unlocking.with(KEY)) : Repositories.open(dir);
  }

  /** A new epoch of keys, and a slot more and one less. */
  static void changeKeys(Path dir) throws StoreException {
    try (RepositoryKeys keys = Repositories.openKeys(dir, Unlocking.with(KEY))) {
      keys.rotate();
      int added = keys.add(OTHER_KEY, "other").number();
      keys.rotate();
      keys.remove(added);
    }
  }
}
