package io.nbdvault.chunkstore.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ChunkCodecTest {
  @ParameterizedTest
  @EnumSource(Codec.class)
  void bringsBackWhatItCompressed(Codec codec) throws MalformedRecordException {
    Random random = Seeds.random("codec " + codec);
    ChunkCodec chunkCodec = ChunkCodec.of(codec);
    for (int length : new int[] {1, 2, 13, 4096, 65_536, 4 << 20}) {
      byte[] plain = text(random, length);
      byte[] compressed = new byte[3 + chunkCodec.compressedLengthMax(length)];
      int compressedLength = chunkCodec.compress(plain, 0, length, compressed, 3);
      byte[] back = new byte[length + 5];
      chunkCodec.decompress(compressed, 3, compressedLength, back, 5, length);
      assertThat(Arrays.copyOfRange(back, 5, back.length)).isEqualTo(plain);
    }
  }

  @ParameterizedTest
  @EnumSource(Codec.class)
  void rejectsAnotherPlainLength(Codec codec) {
    ChunkCodec chunkCodec = ChunkCodec.of(codec);
    byte[] plain = text(Seeds.random("length " + codec), 4096);
    byte[] compressed = new byte[chunkCodec.compressedLengthMax(plain.length)];
    int length = chunkCodec.compress(plain, 0, plain.length, compressed, 0);
    byte[] back = new byte[8192];
    for (int wrong : new int[] {4095, 4097}) {
      assertThatThrownBy(() -> chunkCodec.decompress(compressed, 0, length, back, 0, wrong))
          .isInstanceOf(MalformedRecordException.class);
    }
  }

  @Test
  void neverWritesOutsideItsRangeWhateverTheInput() {
    Random random = Seeds.random("hostile lz4");
    ChunkCodec lz4 = ChunkCodec.of(Codec.LZ4);
    byte[] plain = text(random, 4096);
    byte[] good = new byte[lz4.compressedLengthMax(plain.length)];
    int length = lz4.compress(plain, 0, plain.length, good, 0);
    byte[] back = new byte[4096 + 200];
    for (int round = 0; round < 20_000; round++) {
      byte[] hostile = good.clone();
      for (int change = 1 + random.nextInt(4); change > 0; change--) {
        hostile[random.nextInt(length)] = (byte) random.nextInt();
      }
      try {
        lz4.decompress(hostile, 0, 1 + random.nextInt(length), back, 100, 4096);
      } catch (MalformedRecordException e) {
        assertThat(e).hasMessageContaining("LZ4");
      }
      assertThat(Arrays.copyOf(back, 100)).containsOnly(0);
      assertThat(Arrays.copyOfRange(back, 100 + 4096, back.length)).containsOnly(0);
    }
  }

  /** Bytes of some 4 bits of entropy. */
  private static byte[] text(Random random, int length) {
    byte[] text = new byte[length];
    for (int i = 0; i < length; i++) {
      text[i] = (byte) ('a' + random.nextInt(16));
    }
    return text;
  }
}
