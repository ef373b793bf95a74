package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.Arrays;
import java.util.List;

/**
 * Codecs: {@code | codec (1) | plain length (2) | compressed bytes |} is decompressed, and what
 * comes after the first byte is compressed and brought back.
 */
public final class CodecTarget {
  private static final List<Codec> CODECS = List.of(Codec.values());
  private static final List<Compression> COMPRESSIONS =
      List.of(Compression.NONE, Compression.LZ4, Compression.zstd(1), Compression.zstd(11));

  private CodecTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 4) {
      return;
    }
    Codec codec = CODECS.get((input[0] & 0xff) % CODECS.size());
    int plainLength = 1 + ((input[1] & 0xff) << 8 | (input[2] & 0xff));
    try {
      Decompression.run(codec, input, 3, input.length - 3, plainLength);
    } catch (MalformedRecordException e) {
      Expect.sentence(e, input.length);
    }
    roundTrip(COMPRESSIONS.get((input[0] & 0xff) % COMPRESSIONS.size()), Expect.rest(input));
  }

  private static void roundTrip(Compression compression, byte[] plain) {
    ChunkCodec codec = ChunkCodec.of(compression);
    byte[] compressed = new byte[codec.compressedLengthMax(plain.length)];
    int length = codec.compress(plain, 0, plain.length, compressed, 0);
    if (length >= plain.length) {
      return;
    }
    try {
      byte[] back = Decompression.run(codec.codec(), compressed, 0, length, plain.length);
      Expect.same(back, plain, "brought back");
    } catch (MalformedRecordException e) {
      throw new AssertionError("cannot bring back " + Arrays.toString(plain), e);
    }
  }
}
