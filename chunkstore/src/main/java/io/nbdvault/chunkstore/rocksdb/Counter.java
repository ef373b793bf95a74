package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.CounterRow;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** A counter that the store keeps. */
enum Counter {
  /** The store's logical time: goes up at every open. */
  EPOCH("epoch", IndexRow.EPOCH_MAX),
  /** The first ordinal that was never leased. */
  NEXT_ORDINAL("next-ordinal", IndexRow.ORDINAL_MAX),
  /** Number of the last commit; see {@link Commits}. A repository of format version 1 has none. */
  COMMITS("commits", 1L << 62);

  private final String key;
  private final long max;

  Counter(String key, long max) {
    this.key = key;
    this.max = max;
  }

  /** The counter's value, at most {@link #max}. */
  long read(Database database) throws StoreException {
    return readIfThere(database).orElseThrow(() -> damaged("is missing", null));
  }

  OptionalLong readIfThere(Database database) throws StoreException {
    byte[] row = database.get(Family.DEFAULT, keyBytes());
    try {
      return row == null ? OptionalLong.empty() : OptionalLong.of(decode(row));
    } catch (MalformedRecordException e) {
      throw damaged("" + e.getMessage(), e);
    }
  }

  void put(RowBatch batch, long value) throws StoreException {
    batch.put(Family.DEFAULT, keyBytes(), CounterRow.encode(keyBytes(), value));
  }

  /** The counter that a key of family {@code default} is of, or null. */
  static @Nullable Counter ofKey(byte[] key) {
    for (Counter counter : values()) {
      if (Arrays.equals(key, counter.keyBytes())) {
        return counter;
      }
    }
    return null;
  }

  /** The number in a row of this counter. */
  long decode(byte[] row) throws MalformedRecordException {
    long value = CounterRow.decode(keyBytes(), row);
    if (value > max) {
      throw new MalformedRecordException(8, key + ": " + value + " (expected: <= " + max + ")");
    }
    return value;
  }

  byte[] keyBytes() {
    return key.getBytes(StandardCharsets.US_ASCII);
  }

  /** What it is called in messages. */
  String what() {
    return "counter " + key;
  }

  private DamagedException damaged(String reason, @Nullable Throwable cause) {
    return new DamagedException(what(), OptionalLong.empty(), reason, cause);
  }
}
