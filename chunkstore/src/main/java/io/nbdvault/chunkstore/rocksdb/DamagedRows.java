package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known to be damaged or missing and was not stored anew since: one row each in family
 * {@code default}, under {@code damaged/} and the key that the content has in the index, and as
 * many of them in memory as {@link StoreLimits#DAMAGED_KEYS}. So whether anything is damaged costs
 * nothing to ask, and whether a tree reaches it is a walk over the tree's nodes without a look-up
 * for each chunk, unless there are more.
 *
 * <p>Only the writer's thread changes it. A row may be left over, from before a repair for one:
 * whoever finds something here asks the index as well.
 */
final class DamagedRows {
  private static final Logger LOG = LoggerFactory.getLogger(DamagedRows.class);
  private static final byte[] PREFIX = "damaged/".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] VALUE = {1};

  private final @Nullable Database database;
  private final int keysMax;
  private final Set<IndexKey> keys = ConcurrentHashMap.newKeySet();

  /** What may go unless it is added or taken away before. Only the writer's thread looks. */
  private final Set<IndexKey> doubtful = new HashSet<>();

  /** Whether there are, or were, rows whose keys are not in memory. */
  private volatile boolean more;

  private DamagedRows(@Nullable Database database, int keysMax) {
    this.database = database;
    this.keysMax = keysMax;
  }

  /** Of a store of which perhaps not even this can be read. */
  static DamagedRows unknown() {
    return new DamagedRows(null, 0);
  }

  /** Reads the rows. */
  static DamagedRows read(Database database) throws StoreException {
    return read(database, StoreLimits.DAMAGED_KEYS);
  }

  /** Reads the rows, and keeps at most so many keys in memory. */
  static DamagedRows read(Database database, int keysMax) throws StoreException {
    DamagedRows rows = new DamagedRows(database, keysMax);
    forEach(database, rows::remember);
    return rows;
  }

  /** Is shown what a row is about. May call the store. */
  @FunctionalInterface
  interface Visitor {
    void visit(IndexKey key) throws StoreException;
  }

  /** Shows the rows that are stored. */
  static void forEach(Database database, Visitor visitor) throws StoreException {
    PagedScan.forEach(
        database,
        Family.DEFAULT,
        PREFIX,
        "reading what is damaged",
        (row, value) -> {
          IndexKey key;
          try {
            key = IndexKey.decode(Arrays.copyOfRange(row, PREFIX.length, row.length));
          } catch (MalformedRecordException e) {
            // The next verification finds again what it was about.
            LOG.warn("damaged-row=ignored reason=\"{}\"", e.getMessage());
            return;
          }
          visitor.visit(key);
        });
  }

  /** What may go unless it is added or taken away before. Only in a step of the writer. */
  Set<IndexKey> doubtful() {
    return doubtful;
  }

  boolean isEmpty() {
    return keys.isEmpty() && !more;
  }

  boolean contains(IndexKey key) throws StoreException {
    return keys.contains(key) || (more && isStored(key));
  }

  private boolean isStored(IndexKey key) throws StoreException {
    return database != null && database.get(Family.DEFAULT, encode(key)) != null;
  }

  private void remember(IndexKey key) {
    if (keys.size() < keysMax) {
      keys.add(key);
    } else if (!keys.contains(key)) {
      more = true;
    }
  }

  /** Adds a row, of content that was found damaged. */
  void add(RowBatch batch, IndexKey key) throws StoreException {
    doubtful.remove(key);
    batch.put(Family.DEFAULT, encode(key), VALUE);
    remember(key);
  }

  /** Adds a row to a database that a repair works on, for the content of that row of the index. */
  static void add(RepairWriter writer, byte[] indexKey) throws StoreException {
    byte[] key =
        ByteBuffer.allocate(PREFIX.length + indexKey.length).put(PREFIX).put(indexKey).array();
    writer.put(Family.DEFAULT, key, VALUE);
  }

  /** Takes a row away if there is one: the content was stored anew, or nothing needs it. */
  void remove(RowBatch batch, IndexKey key) throws StoreException {
    doubtful.remove(key);
    if (keys.remove(key) || (more && mayBeStored(key))) {
      batch.delete(Family.DEFAULT, encode(key));
    }
  }

  /** To delete a row that is not there costs little; to fail would end all writing. */
  private boolean mayBeStored(IndexKey key) {
    try {
      return isStored(key);
    } catch (StoreException e) {
      LOG.debug("damaged=\"{}\" stored=unknown", key, e);
      return true;
    }
  }

  private static byte[] encode(IndexKey key) {
    return ByteBuffer.allocate(PREFIX.length + IndexKey.BYTES)
        .put(PREFIX)
        .put(key.encode())
        .array();
  }
}
