package io.nbdvault.chunkstore.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ZstdChunkCodecTest {
  private static final byte[] PLAIN = TestBytes.text(new Random(1), 4096);
  private static final byte[] EMPTY_FRAME = Zstd.compress(new byte[0]);
  private static final byte[] SKIPPABLE_FRAME =
      ByteBuffer.allocate(12).putInt(0x502a4d18).putInt(0x04000000).putInt(7).array();

  @Test
  void readsAFrameOfTheLibraryAtAnyLevel() throws MalformedRecordException {
    for (int level : new int[] {-5, 1, 19, 22}) {
      assertThat(decompress(Zstd.compress(PLAIN, level))).isEqualTo(PLAIN);
    }
  }

  @Test
  void writesOneFrameThatAnyZstdReads() {
    ChunkCodec codec = ChunkCodec.of(Compression.zstd(5));
    byte[] compressed = new byte[codec.compressedLengthMax(PLAIN.length)];
    int length = codec.compress(PLAIN, 0, PLAIN.length, compressed, 0);
    assertThat(Zstd.decompress(Arrays.copyOf(compressed, length), PLAIN.length)).isEqualTo(PLAIN);
  }

  @Test
  void refusesWhatIsNotExactlyOneFrame() {
    byte[] frame = Zstd.compress(PLAIN);
    assertRefused(new byte[0]);
    assertRefused(EMPTY_FRAME);
    assertRefused(join(frame, EMPTY_FRAME));
    assertRefused(join(EMPTY_FRAME, frame));
    assertRefused(join(frame, SKIPPABLE_FRAME));
    assertRefused(join(SKIPPABLE_FRAME, frame));
    assertRefused(join(frame, new byte[1]));
    assertRefused(Arrays.copyOf(frame, frame.length - 1));
    byte[] half = Arrays.copyOf(PLAIN, PLAIN.length / 2);
    assertRefused(join(Zstd.compress(half), Zstd.compress(half)));
  }

  @Test
  void refusesAFrameThatDoesNotSayItsLength() {
    try (ZstdCompressCtx context = new ZstdCompressCtx().setContentSize(false)) {
      assertRefused(context.compress(PLAIN));
    }
  }

  @Test
  void refusesAFrameThatNeedsADictionary() {
    assertRefused(Zstd.compressUsingDict(PLAIN, dictionary(), 3));
  }

  @Test
  void believesNoLengthThatAFrameSays() {
    byte[] frame = Zstd.compress(PLAIN);
    // A frame of one segment of 256 bytes to 64 KiB has the length minus 256 at byte 5.
    for (int length : new int[] {4095, 4097, 65_791}) {
      byte[] liar = frame.clone();
      liar[5] = (byte) (length - 256);
      liar[6] = (byte) ((length - 256) >> 8);
      byte[] back = new byte[length];
      assertThatThrownBy(
              () -> ChunkCodec.of(Codec.ZSTD).decompress(liar, 0, liar.length, back, 0, length))
          .isInstanceOf(MalformedRecordException.class)
          .hasMessageContaining("zstd");
    }
  }

  @Test
  void servesMoreThreadsThanItHasContexts() throws Exception {
    Random random = Seeds.random("threads");
    byte[][] plains =
        IntStream.range(0, 20)
            .mapToObj(i -> TestBytes.text(random, 1 + random.nextInt(100_000)))
            .toArray(byte[][]::new);
    ExecutorService threads = Executors.newFixedThreadPool(20);
    try {
      Future<?>[] all =
          IntStream.range(0, 20)
              .mapToObj(thread -> threads.submit(() -> roundTrips(thread, plains)))
              .toArray(Future<?>[]::new);
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static Object roundTrips(int thread, byte[][] plains) throws MalformedRecordException {
    ChunkCodec codec = ChunkCodec.of(Compression.zstd(1 + thread % 12));
    for (int round = 0; round < 100; round++) {
      byte[] plain = plains[(thread + round) % plains.length];
      byte[] compressed = new byte[codec.compressedLengthMax(plain.length)];
      int length = codec.compress(plain, 0, plain.length, compressed, 0);
      if (length < plain.length) {
        byte[] back = new byte[plain.length];
        codec.decompress(compressed, 0, length, back, 0, back.length);
        assertThat(back).isEqualTo(plain);
      }
    }
    return "done";
  }

  private static byte[] dictionary() {
    byte[][] samples = new byte[200][];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = Arrays.copyOfRange(PLAIN, i * 16, i * 16 + 500);
    }
    byte[] dictionary = new byte[2000];
    return Arrays.copyOf(dictionary, (int) Zstd.trainFromBuffer(samples, dictionary));
  }

  private static void assertRefused(byte[] compressed) {
    assertThatThrownBy(() -> decompress(compressed))
        .isInstanceOf(MalformedRecordException.class)
        .hasMessageContaining("zstd");
  }

  private static byte[] decompress(byte[] compressed) throws MalformedRecordException {
    byte[] back = new byte[PLAIN.length];
    ChunkCodec.of(Codec.ZSTD).decompress(compressed, 0, compressed.length, back, 0, back.length);
    return back;
  }

  private static byte[] join(byte[] first, byte[] second) {
    byte[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }
}
