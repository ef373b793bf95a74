package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.Arrays;

/** Decompresses into the middle of a buffer and looks at what lies beside it. */
final class Decompression {
  private static final int MARGIN_BYTES = 64;
  private static final byte MARGIN = 0x5a;
  private static final byte[] BUFFER =
      new byte[MARGIN_BYTES + ContentRecord.PLAIN_LENGTH_MAX + MARGIN_BYTES];

  private Decompression() {}

  /** The plain bytes. */
  static synchronized byte[] run(
      Codec codec, byte[] source, int offset, int length, int plainLength)
      throws MalformedRecordException {
    int end = MARGIN_BYTES + plainLength;
    Arrays.fill(BUFFER, 0, MARGIN_BYTES, MARGIN);
    Arrays.fill(BUFFER, end, end + MARGIN_BYTES, MARGIN);
    try {
      ChunkCodec.of(codec).decompress(source, offset, length, BUFFER, MARGIN_BYTES, plainLength);
      return Arrays.copyOfRange(BUFFER, MARGIN_BYTES, end);
    } finally {
      requireMargin(0);
      requireMargin(end);
    }
  }

  private static void requireMargin(int from) {
    for (int i = from; i < from + MARGIN_BYTES; i++) {
      if (BUFFER[i] != MARGIN) {
        throw new AssertionError("byte " + i + " beside the destination was written");
      }
    }
  }
}
