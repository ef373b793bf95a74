package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.rocksdb.RandomModel.Hurt;
import io.nbdvault.chunkstore.rocksdb.RandomModel.Snapshot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Damages a repository that nobody has open, in a random way, and then does what its owner would
 * do. Tells the model what may be refused since.
 */
final class RandomDamage {
  private final Path dir;
  private final DamagedRepository repository;
  private final RandomModel model;
  private final Random random;
  private int damages;
  private int repairs;

  /** What is damaged. */
  private enum Kind {
    /** A bit of a record, which RocksDB takes for right. */
    RECORD,
    /** A byte of a record, with a checksum that is right all the same. */
    CONTENT,
    /** A row of the index is gone. */
    ROW_GONE,
    /** A bit of a row of the index: it leads to its record all the same. */
    ROW,
    /** A bit of a file of records. */
    RECORD_FILE,
    /** A bit of a file of the index. All of it is made again by a repair. */
    INDEX_FILE;

    boolean losesContent() {
      return this != ROW && this != INDEX_FILE;
    }

    /** Whether a repair without a verification finds all of it. */
    boolean isOfFiles() {
      return this == RECORD_FILE || this == INDEX_FILE;
    }
  }

  RandomDamage(Path dir, RandomModel model, Random random) {
    this.dir = dir;
    this.repository = DamagedRepository.at(dir);
    this.model = model;
    this.random = random;
  }

  int damages() {
    return damages;
  }

  int repairs() {
    return repairs;
  }

  /** Damages something, and lets it be noticed: afterwards no backup relies on it. */
  void damage() throws Exception {
    Kind[] kinds = Kind.values();
    Kind kind = kinds[random.nextInt(kinds.length)];
    if (!isDone(kind)) {
      return;
    }
    damages++;
    if (kind.losesContent()) {
      observe();
    }
    boolean repair = kind == Kind.INDEX_FILE || random.nextInt(3) == 0 || !canBeOpened();
    if (repair) {
      repair();
    }
    boolean verify = !repair || !kind.isOfFiles() || random.nextBoolean();
    if (verify) {
      verify();
    }
    System.out.printf("damage=%s repaired=%b verified=%b%n", kind, repair, verify);
    assertKnown();
  }

  /** Returns false if there is nothing to damage in that way. */
  private boolean isDone(Kind kind) throws Exception {
    List<byte[]> keys = repository.indexKeys();
    List<Path> tables = repository.tables(kind == Kind.INDEX_FILE ? Family.INDEX : Family.CHUNK);
    if (keys.isEmpty() || tables.isEmpty()) {
      return false;
    }
    byte[] key = keys.get(random.nextInt(keys.size()));
    switch (kind) {
      case RECORD, CONTENT -> {
        IndexKey content = IndexKey.decode(key);
        if (!hasRecord(content) || !repository.canBeRewritten(content)) {
          return false;
        }
        if (kind == Kind.RECORD) {
          repository.flipBit(content);
        } else {
          repository.changeUnderItsChecksum(content);
        }
        // As on a disk, where what was right before is nowhere any more.
        repository.rewrite(content);
      }
      case ROW_GONE -> repository.delete(Family.INDEX, key);
      case ROW -> {
        byte[] row = repository.get(Family.INDEX, key);
        row[random.nextInt(row.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
        repository.put(Family.INDEX, key, row);
      }
      case RECORD_FILE, INDEX_FILE -> {
        Path table = tables.get(random.nextInt(tables.size()));
        DamagedRepository.flipByte(table, random.nextInt((int) Files.size(table)));
      }
    }
    return true;
  }

  /** Not if it was damaged before, and its row flagged, nor in a block that cannot be read. */
  private boolean hasRecord(IndexKey key) throws Exception {
    try {
      IndexRow row = repository.row(key);
      byte[] ordinal = OrdinalKey.of(row.ordinal());
      return !row.damaged() && repository.find(Family.CHUNK, ordinal).isPresent();
    } catch (DamagedException e) {
      return false;
    }
  }

  /** What is refused from now on is what is refused now; of what is forgotten, anything. */
  private void observe() throws Exception {
    try (ChunkStore store = Repositories.openDamaged(dir)) {
      for (Snapshot snapshot : model.all()) {
        Hurt hurt = Hurt.anything();
        if (store.snapshot(snapshot.id()).isPresent()) {
          try (SnapshotReader reader = store.open(snapshot.id())) {
            hurt = RandomModel.find(reader, snapshot);
          }
        }
        model.note(RandomModel.hurtLine(snapshot.id(), hurt));
      }
    }
  }

  private boolean canBeOpened() throws StoreException {
    try {
      Repositories.open(dir).close();
      return true;
    } catch (DamagedException | StoreFailedException e) {
      return false;
    }
  }

  /** Takes nothing away from what could be read. */
  void repair() throws Exception {
    repairs++;
    assertThat(Repositories.repair(dir, (what, done, expected) -> {}).lost()).isEmpty();
    try (ChunkStore store = Repositories.open(dir)) {
      model.check(store);
    }
  }

  private void verify() throws StoreException {
    try (ChunkStore store = Repositories.open(dir)) {
      store.verify(VerifyOptions.everything(1), progress -> true);
    }
  }

  /** What is damaged is known, of the snapshots that it is in and of no other. */
  private void assertKnown() throws Exception {
    try (ChunkStore store = Repositories.open(dir)) {
      for (Snapshot snapshot : model.all()) {
        if (store.snapshot(snapshot.id()).isEmpty()) {
          continue;
        }
        try (SnapshotReader reader = store.open(snapshot.id())) {
          boolean isWhole = RandomModel.find(reader, snapshot).isNothing();
          List<DamagedContent> known =
              store.knowsDamage() ? store.findDamage(snapshot.id(), "vda") : List.of();
          assertThat(known.isEmpty())
              .as("whether nothing is known to be damaged in %s: %s", snapshot.id(), known)
              .isEqualTo(isWhole);
        }
      }
    }
  }

  /** Backs up all that is damaged once more. Then everything is whole. */
  void heal() throws Exception {
    try (ChunkStore store = Repositories.open(dir)) {
      for (Snapshot snapshot : model.all()) {
        if (!snapshot.hurt().isNothing() && store.snapshot(snapshot.id()).isPresent()) {
          new RandomWorker(store, model, model::note, snapshot.vm(), random)
              .backUpAll(snapshot.content());
        }
      }
      model.check(store);
      // Of what no snapshot needs, something may be damaged still.
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).ranges()).isEmpty();
    }
  }
}
