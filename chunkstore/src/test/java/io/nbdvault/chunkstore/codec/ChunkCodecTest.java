package io.nbdvault.chunkstore.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ChunkCodecTest {
  static Stream<Compression> compressions() {
    return Stream.concat(
        Stream.of(Compression.NONE, Compression.LZ4),
        IntStream.rangeClosed(Compression.ZSTD_LEVEL_MIN, Compression.ZSTD_LEVEL_MAX)
            .mapToObj(Compression::zstd));
  }

  @ParameterizedTest
  @MethodSource("compressions")
  void bringsBackWhatItCompressed(Compression compression) throws MalformedRecordException {
    Random random = Seeds.random("codec " + compression);
    ChunkCodec compressor = ChunkCodec.of(compression);
    assertThat(compressor.codec()).isEqualTo(compression.codec());
    for (int length : new int[] {1, 2, 13, 4096, 65_535, 65_536, 1 << 20}) {
      byte[] plain = TestBytes.text(random, length + 7);
      byte[] compressed = new byte[3 + compressor.compressedLengthMax(length)];
      int compressedLength = compressor.compress(plain, 7, length, compressed, 3);
      assertThat(Arrays.copyOf(compressed, 3)).containsOnly(0);
      if (length >= 4096 && compression.codec() == Codec.ZSTD) {
        assertThat(compressedLength).isBetween(length / 3, length * 3 / 5);
      }
      if (compressedLength < length || compression.codec() != Codec.ZSTD) {
        byte[] back = new byte[length + 5];
        ChunkCodec.of(compression.codec())
            .decompress(compressed, 3, compressedLength, back, 5, length);
        assertThat(Arrays.copyOfRange(back, 5, back.length))
            .isEqualTo(Arrays.copyOfRange(plain, 7, plain.length));
      } else {
        assertThat(length).isLessThanOrEqualTo(13);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("compressions")
  void saysOfRandomBytesThatTheyAreToBeStoredAsTheyAre(Compression compression) {
    byte[] plain = new byte[65_536];
    Seeds.random("random bytes " + compression).nextBytes(plain);
    ChunkCodec compressor = ChunkCodec.of(compression);
    byte[] compressed = new byte[compressor.compressedLengthMax(plain.length)];
    assertThat(compressor.compress(plain, 0, plain.length, compressed, 0))
        .isBetween(plain.length, compressed.length);
  }

  @ParameterizedTest
  @EnumSource(Codec.class)
  void rejectsAnotherPlainLength(Codec codec) {
    ChunkCodec chunkCodec = ChunkCodec.of(codec);
    byte[] plain = TestBytes.text(Seeds.random("length " + codec), 4096);
    byte[] compressed = new byte[chunkCodec.compressedLengthMax(plain.length)];
    int length = chunkCodec.compress(plain, 0, plain.length, compressed, 0);
    byte[] back = new byte[8192];
    for (int wrong : new int[] {1, 4095, 4097, 8192}) {
      assertThatThrownBy(() -> chunkCodec.decompress(compressed, 0, length, back, 0, wrong))
          .isInstanceOf(MalformedRecordException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(Codec.class)
  void rejectsRangesOutsideTheirArrays(Codec codec) {
    ChunkCodec chunkCodec = ChunkCodec.of(codec);
    byte[] plain = new byte[4096];
    byte[] compressed = new byte[chunkCodec.compressedLengthMax(plain.length)];
    int length = chunkCodec.compress(plain, 0, plain.length, compressed, 0);
    for (int offset : new int[] {-1, 1}) {
      assertThatThrownBy(
              () -> chunkCodec.decompress(compressed, 0, length, plain, offset, plain.length))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThatThrownBy(
            () ->
                chunkCodec.decompress(
                    compressed, compressed.length - length + 1, length, plain, 0, plain.length))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @ParameterizedTest
  @EnumSource(
      value = Codec.class,
      names = {"LZ4", "ZSTD"})
  void neverWritesOutsideItsRangeWhateverTheInput(Codec codec) {
    Random random = Seeds.random("hostile " + codec);
    ChunkCodec chunkCodec = ChunkCodec.of(codec);
    byte[] plain = TestBytes.text(random, 4096);
    byte[] good = new byte[chunkCodec.compressedLengthMax(plain.length)];
    int length = chunkCodec.compress(plain, 0, plain.length, good, 0);
    byte[] back = new byte[4096 + 200];
    for (int round = 0; round < 20_000; round++) {
      byte[] hostile = good.clone();
      for (int change = 1 + random.nextInt(4); change > 0; change--) {
        hostile[random.nextInt(length)] = (byte) random.nextInt();
      }
      int given = random.nextInt(4) == 0 ? 1 + random.nextInt(length) : length;
      try {
        chunkCodec.decompress(hostile, 0, given, back, 100, 4096);
      } catch (MalformedRecordException e) {
        assertThat(e).hasMessageContaining(codec == Codec.LZ4 ? "LZ4" : "zstd");
      }
      assertThat(Arrays.copyOf(back, 100)).containsOnly(0);
      assertThat(Arrays.copyOfRange(back, 100 + 4096, back.length)).containsOnly(0);
    }
  }
}
