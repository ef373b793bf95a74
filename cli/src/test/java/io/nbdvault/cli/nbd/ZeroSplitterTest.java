package io.nbdvault.cli.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ZeroSplitterTest {
  private static final int GRAIN = 16;

  /** Keeps what it is told, as text. */
  private static final class Recorder implements BlockSink {
    final List<String> calls = new ArrayList<>();

    @Override
    public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
      calls.add("write " + offsetBytes + " " + data.remaining());
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
      calls.add("zero " + offsetBytes + " " + lengthBytes);
      return CompletableFuture.completedFuture(null);
    }
  }

  private static List<String> split(long offset, byte[] data, int begin, int end) {
    Recorder recorder = new Recorder();
    ByteBuffer buffer = ByteBuffer.wrap(data).position(begin).limit(end);
    assertThat(new ZeroSplitter(recorder, GRAIN).write(offset, buffer)).isCompleted();
    assertThat(buffer.position()).as("borrowed").isEqualTo(begin);
    return recorder.calls;
  }

  @Test
  void findsAlignedBlocksOfZeroes() {
    byte[] data = new byte[100];
    data[17] = 1;
    data[31] = 1;
    assertThat(split(0, data, 0, 100)).containsExactly("zero 0 16", "write 16 16", "zero 32 68");
    // Of the export, not of the buffer.
    assertThat(split(8, data, 0, 100)).containsExactly("zero 8 8", "write 16 32", "zero 48 60");
    assertThat(split(160, data, 16, 32)).containsExactly("write 160 16");
    assertThat(split(165, data, 40, 41)).containsExactly("zero 165 1");
  }

  @Test
  void whatItHandsOnIsTheSameContent() {
    long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
    System.out.println("ZeroSplitterTest nbdvault.test.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      byte[] data = new byte[1 + random.nextInt(300)];
      for (int i = random.nextInt(4); i > 0; i--) {
        data[random.nextInt(data.length)] = 1;
      }
      int offset = random.nextInt(50);
      byte[] before = new byte[offset + data.length];
      random.nextBytes(before);
      byte[] expected = before.clone();
      System.arraycopy(data, 0, expected, offset, data.length);
      MemoryBlocks export = new MemoryBlocks(before, 1);
      CompletableFuture<Void> done =
          new ZeroSplitter(export, GRAIN).write(offset, ByteBuffer.wrap(data));
      export.work();
      assertThat(done).isCompleted();
      assertThat(export.content).isEqualTo(expected);
    }
  }

  @Test
  void refusesAGrainThatCannotBeAligned() {
    assertThatThrownBy(() -> new ZeroSplitter(new Recorder(), 3000))
        .hasMessage("grainBytes: 3000 (expected: a power of two, <= 65536)");
  }
}
