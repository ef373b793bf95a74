package io.nbdvault.cli.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class BlockAssemblerTest {
  private static final int BLOCK = 64;

  /** A range of the source that comes at once. */
  private record Piece(int begin, int end, boolean zero) {}

  @Test
  void whateverTheSourceCutsWholeBlocksAreWrittenAndNothingElseChanges() {
    long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
    System.out.println("BlockAssemblerTest nbdvault.test.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      int exportBytes = 1 + random.nextInt(40 * BLOCK);
      int sourceBytes = random.nextInt(exportBytes + 1);
      byte[] before = new byte[exportBytes];
      random.nextBytes(before);
      byte[] source = new byte[sourceBytes];
      random.nextBytes(source);
      List<Piece> pieces = cut(source, random);
      byte[] expected = before.clone();
      System.arraycopy(source, 0, expected, 0, sourceBytes);

      assertThat(copy(source, pieces, before, random)).isEqualTo(expected);
    }
  }

  /** Cuts the source anywhere, makes some of the pieces zero, and mixes them. */
  private static List<Piece> cut(byte[] source, Random random) {
    List<Piece> pieces = new ArrayList<>();
    for (int begin = 0; begin < source.length; ) {
      int end = Math.min(source.length, begin + 1 + random.nextInt(4 * BLOCK));
      boolean zero = random.nextInt(3) == 0;
      if (zero) {
        Arrays.fill(source, begin, end, (byte) 0);
      }
      pieces.add(new Piece(begin, end, zero));
      begin = end;
    }
    Collections.shuffle(pieces, random);
    return pieces;
  }

  private static byte[] copy(byte[] source, List<Piece> pieces, byte[] before, Random random) {
    MemoryBlocks export = new MemoryBlocks(before, BLOCK);
    BlockAssembler assembler = new BlockAssembler(export, export, BLOCK, before.length);
    for (Piece piece : pieces) {
      ByteBuffer data =
          ByteBuffer.wrap(source, piece.begin(), piece.end() - piece.begin()).asReadOnlyBuffer();
      CompletableFuture<Void> done =
          piece.zero()
              ? assembler.zero(piece.begin(), data.remaining())
              : assembler.write(piece.begin(), data);
      if (random.nextBoolean()) {
        export.work();
        assertThat(done).isCompleted();
      }
    }
    export.work();
    CompletableFuture<Void> finished = assembler.finish();
    export.work();
    assertThat(finished).isCompleted();
    return export.content;
  }

  @Test
  void alignedRangesGoThroughAsTheyAre() {
    MemoryBlocks export = new MemoryBlocks(new byte[4 * BLOCK], BLOCK);
    BlockAssembler assembler = new BlockAssembler(export, export, BLOCK, 4 * BLOCK);
    var unused = assembler.write(BLOCK, ByteBuffer.allocate(2 * BLOCK));
    assertThat(export.writes).isEqualTo(1);
    unused = assembler.zero(3 * BLOCK, BLOCK);
    assertThat(export.zeroedBytes).isEqualTo(BLOCK);
  }
}
