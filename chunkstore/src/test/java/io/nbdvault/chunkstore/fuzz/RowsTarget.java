package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.format.CollectionRow;
import io.nbdvault.chunkstore.format.CounterRow;
import io.nbdvault.chunkstore.format.HeadSlot;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.nio.charset.StandardCharsets;

/** Keys and rows of a fixed length: {@code | which (1) | key or row |}. */
public final class RowsTarget {
  private static final byte[] COUNTER = "epoch".getBytes(StandardCharsets.US_ASCII);
  private static final SnapshotId SNAPSHOT = new SnapshotId("00112233445566778899aabbccddeeff");
  private static final int CHECKSUM_OFFSET = 4;
  private static final int INDEX_ROW_CHECKSUM_OFFSET = 28;
  private static final int SEALED = 0x80;

  private RowsTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] row = Expect.rest(input);
    boolean sealed = (input[0] & SEALED) != 0;
    try {
      switch (input[0] & 7) {
        case 0 -> Expect.same(IndexKey.decode(row).encode(), row, "index key");
        case 1 -> indexRow(row, sealed);
        case 2 -> counter(row, sealed);
        case 3 -> state(row, sealed);
        case 4 -> collection(row, sealed);
        case 7 -> head(row, sealed);
        case 5 -> Expect.same(OrdinalKey.of(OrdinalKey.decode(row)), row, "ordinal");
        default -> Expect.same(SnapshotStateRow.key(SnapshotStateRow.idOf(row)), row, "key");
      }
    } catch (MalformedRecordException e) {
      Expect.sentence(e, row.length);
    }
  }

  private static void indexRow(byte[] bytes, boolean sealed) throws MalformedRecordException {
    if (sealed && bytes.length == IndexRow.BYTES) {
      Expect.seal(new byte[0], bytes, INDEX_ROW_CHECKSUM_OFFSET);
    }
    IndexRow row = IndexRow.decode(bytes);
    Expect.same(IndexRow.decode(row.encode()), row, "index row");
  }

  private static void counter(byte[] bytes, boolean sealed) throws MalformedRecordException {
    if (sealed) {
      Expect.seal(COUNTER, bytes, CHECKSUM_OFFSET);
    }
    long value = CounterRow.decode(COUNTER, bytes);
    Expect.same(CounterRow.encode(COUNTER, value), bytes, "counter");
  }

  private static void state(byte[] bytes, boolean sealed) throws MalformedRecordException {
    byte[] key = SnapshotStateRow.key(SNAPSHOT);
    if (sealed) {
      Expect.seal(key, bytes, CHECKSUM_OFFSET);
    }
    SnapshotState state = SnapshotStateRow.decode(key, bytes);
    Expect.same(SnapshotStateRow.encode(SNAPSHOT, state), bytes, "state");
  }

  private static void head(byte[] bytes, boolean sealed) throws MalformedRecordException {
    if (sealed) {
      Expect.seal(new byte[0], bytes, CHECKSUM_OFFSET);
    }
    Expect.same(HeadSlot.decode(bytes).encode(), bytes, "head");
  }

  private static void collection(byte[] bytes, boolean sealed) throws MalformedRecordException {
    if (sealed) {
      Expect.seal(new byte[0], bytes, CHECKSUM_OFFSET);
    }
    Expect.same(CollectionRow.decode(bytes).encode(), bytes, "collection");
  }
}
