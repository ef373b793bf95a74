package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;

/**
 * A reader of records with a bug, which only somebody finds who is guided by what the code does.
 */
public final class PlantedTarget {
  private PlantedTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < ContentRecord.HEADER_BYTES) {
      return;
    }
    ContentRecord.seal(input, 1);
    try {
      ContentRecord header = ContentRecord.decode(input, input.length, 1);
      if (header.codec() == Codec.ZSTD && header.payloadLength() < header.plainLength()) {
        throw new IllegalStateException("planted");
      }
    } catch (MalformedRecordException e) {
      Expect.sentence(e, input.length);
    }
  }
}
