package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import java.nio.ByteBuffer;

/**
 * A snapshot's record: {@code | which (1) | record |}, where the record's checksum is made right,
 * or {@code | which (1) | JSON |}, which gets a header too.
 */
public final class SnapshotTarget {
  private static final byte[] KEY =
      SnapshotFrame.key(new SnapshotId("00112233445566778899aabbccddeeff"));
  private static final int HEADER = 0x01030000;
  private static final int HEADER_BYTES = 12;
  private static final int CHECKSUM_OFFSET = 8;

  private SnapshotTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] row = Expect.rest(input);
    switch (input[0] & 3) {
      case 0 -> check(row);
      case 1 -> {
        Expect.seal(KEY, row, CHECKSUM_OFFSET);
        check(row);
      }
      default -> check(framed(row));
    }
  }

  private static byte[] framed(byte[] json) {
    ByteBuffer row = ByteBuffer.allocate(HEADER_BYTES + json.length);
    row.putInt(HEADER).putInt(json.length).putInt(0).put(json);
    Expect.seal(KEY, row.array(), CHECKSUM_OFFSET);
    return row.array();
  }

  private static void check(byte[] row) {
    SnapshotRecord record;
    try {
      record = SnapshotFrame.decode(KEY, row);
    } catch (MalformedRecordException e) {
      Expect.sentence(e, row.length);
      return;
    }
    try {
      Expect.same(SnapshotFrame.decode(KEY, SnapshotFrame.encode(record)), record, "read back");
    } catch (MalformedRecordException e) {
      throw new AssertionError("cannot read back " + record, e);
    }
  }
}
