package io.nbdvault.chunkstore.model;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** What a database holds: the store's families and counters. Values never change, only places. */
final class Tables {
  enum Health {
    WHOLE,
    /** It says that its record is damaged. */
    FLAGGED,
    /** It is damaged itself, but still leads to its record. */
    TORN,
    /** It is damaged itself, and leads nowhere. */
    ILLEGIBLE,
    /** It was damaged, and was taken away: only this model knows what it was. */
    TAKEN_AWAY
  }

  /** A row of the index. What the store can read of it depends on its health. */
  record Row(int ordinal, int epoch, Health health) {
    boolean flagged() {
      return health == Health.FLAGGED;
    }

    boolean legible() {
      return health == Health.WHOLE || health == Health.FLAGGED;
    }

    Row with(Health other) {
      return new Row(ordinal, epoch, other);
    }
  }

  /** A record of family chunk; only the medium makes one that is not intact. */
  record Chunk(int id, boolean intact) {}

  enum State {
    KEPT,
    FORGOTTEN,
    CONDEMNED
  }

  /** A row of the catalog. */
  record Snapshot(int root, State state) {
    Snapshot with(State other) {
      return new Snapshot(root, other);
    }
  }

  /**
   * The row of a collection that sweeps.
   *
   * @param intact whether the saved marks agree with their checksum
   * @param scanned ids that were scanned when the row was written
   */
  record Progress(int cutoff, int endOrdinal, BitSet marks, boolean intact, int scanned) {}

  private final @Nullable Row[] index;
  private @Nullable Chunk[] chunks;
  private @Nullable Snapshot[] catalog;
  private @Nullable Progress collection;
  private int writes;
  private int epoch = 1;
  private int nextOrdinal = 1;

  Tables() {
    this(new @Nullable Row[Content.IDS], new @Nullable Chunk[64], new @Nullable Snapshot[32]);
  }

  private Tables(@Nullable Row[] index, @Nullable Chunk[] chunks, @Nullable Snapshot[] catalog) {
    this.index = index;
    this.chunks = chunks;
    this.catalog = catalog;
  }

  Tables copy() {
    Tables copy = new Tables(index.clone(), chunks.clone(), catalog.clone());
    copy.collection = collection;
    copy.copyCounters(this);
    return copy;
  }

  /** Takes over one family. */
  void copyCatalog(Tables from) {
    catalog = from.catalog.clone();
  }

  /** Takes over one family. */
  void copyChunks(Tables from) {
    chunks = from.chunks.clone();
  }

  void copyCounters(Tables from) {
    epoch = from.epoch;
    nextOrdinal = from.nextOrdinal;
  }

  /** What the store finds under an id. */
  @Nullable Row row(int id) {
    Row row = index[id];
    return row != null && row.health() == Health.TAKEN_AWAY ? null : row;
  }

  /** The last row of an id that the store has not deleted for being garbage. */
  @Nullable Row lastRow(int id) {
    return index[id];
  }

  void putRow(int id, @Nullable Row row) {
    writes++;
    index[id] = row;
  }

  @Nullable Chunk chunk(int ordinal) {
    return ordinal < chunks.length ? chunks[ordinal] : null;
  }

  void putChunk(int ordinal, @Nullable Chunk chunk) {
    if (ordinal >= chunks.length) {
      chunks = Arrays.copyOf(chunks, 2 * ordinal);
    }
    writes++;
    chunks[ordinal] = chunk;
  }

  @Nullable Snapshot snapshot(int number) {
    return number < catalog.length ? catalog[number] : null;
  }

  void putSnapshot(int number, @Nullable Snapshot snapshot) {
    if (number >= catalog.length) {
      catalog = Arrays.copyOf(catalog, 2 * number);
    }
    writes++;
    catalog[number] = snapshot;
  }

  /** All numbers of snapshots are below. */
  int snapshotsEnd() {
    return catalog.length;
  }

  /** All ordinals are below. */
  int ordinalsEnd() {
    return chunks.length;
  }

  @Nullable Progress collection() {
    return collection;
  }

  void putCollection(@Nullable Progress progress) {
    collection = progress;
  }

  int epoch() {
    return epoch;
  }

  void putEpoch(int value) {
    epoch = value;
  }

  int nextOrdinal() {
    return nextOrdinal;
  }

  void putNextOrdinal(int value) {
    nextOrdinal = value;
  }

  /** Counts what was written to the index, the chunks and the catalog. */
  int writes() {
    return writes;
  }

  /** The chunk that the row of an id points to, if that is the id's. */
  @Nullable Chunk chunkOf(int id) {
    return row(id) == null ? null : recordOf(id);
  }

  /** The same, though perhaps only a repair finds it: its row may be damaged or taken away. */
  @Nullable Chunk recordOf(int id) {
    Row row = lastRow(id);
    Chunk chunk = row == null ? null : chunk(row.ordinal());
    return chunk != null && chunk.id() == id ? chunk : null;
  }
}
