package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.Arrays;

/**
 * A content record: {@code | which (1) | record |}, whose checksum is made right in half of the
 * inputs; then its payload is opened and decompressed as a reader would.
 */
public final class ContentTarget {
  private static final ContentCipher CIPHER = new PlainContent();
  private static final long ORDINAL = 7;

  private ContentTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] record = Expect.rest(input);
    if ((input[0] & 1) != 0 && record.length >= ContentRecord.HEADER_BYTES) {
      ContentRecord.seal(record, ORDINAL);
    }
    try {
      ContentRecord header = ContentRecord.decode(record, record.length, ORDINAL);
      checkWrittenAgain(header, record);
      int offset = CIPHER.open(header, record);
      Decompression.run(
          header.codec(), record, offset, header.compressedLength(), header.plainLength());
    } catch (MalformedRecordException e) {
      Expect.sentence(e, record.length);
    }
  }

  private static void checkWrittenAgain(ContentRecord header, byte[] record) {
    byte[] again = Arrays.copyOf(record, record.length);
    Arrays.fill(again, 0, ContentRecord.HEADER_BYTES, (byte) 0);
    header.writeTo(again);
    ContentRecord.seal(again, ORDINAL);
    Expect.same(again, record, "written again");
  }
}
