package io.nbdvault.cli.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Makes whole blocks for a server that takes nothing less (proto.md, "Block size constraints"). The
 * source's extents and requests end where they like: what begins or ends within a block is kept
 * until the rest of that block has come. As every byte comes once, only the source's last block can
 * stay incomplete; it is filled up with what the destination has there.
 */
final class BlockAssembler implements BlockSink {
  private final BlockSink next;
  private final Reader reader;
  private final int blockBytes;
  private final long exportBytes;

  @GuardedBy("this")
  private final Map<Long, Block> incomplete = new HashMap<>();

  /** Reads what the destination holds. */
  interface Reader {
    /** Fills the buffer, which is borrowed until the future completes. */
    CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination);
  }

  /** A block of which a part has come. */
  private static final class Block {
    private final ByteBuffer content;
    private int covered;

    Block(int bytes) {
      content = ByteBuffer.allocate(bytes);
    }
  }

  /**
   * @param blockBytes the server's minimum block size, a power of two
   * @param exportBytes the destination's size: its last block may be shorter
   */
  BlockAssembler(BlockSink next, Reader reader, int blockBytes, long exportBytes) {
    this.next = next;
    this.reader = reader;
    this.blockBytes = blockBytes;
    this.exportBytes = exportBytes;
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    int base = data.position();
    return split(
        offsetBytes,
        data.remaining(),
        (offset, length) -> next.write(offset, part(data, base, offset - offsetBytes, length)),
        (offset, length) ->
            fragment(offset, length, part(data, base, offset - offsetBytes, length)));
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    return split(
        offsetBytes, lengthBytes, next::zero, (offset, length) -> fragment(offset, length, null));
  }

  private static ByteBuffer part(ByteBuffer data, int base, long from, long length) {
    int begin = base + (int) from;
    return data.duplicate().position(begin).limit(begin + (int) length);
  }

  /** Something to be done with a range. */
  private interface Step {
    CompletableFuture<Void> on(long offset, long length);
  }

  private CompletableFuture<Void> split(long offset, long length, Step whole, Step fragment) {
    long end = offset + length;
    long wholeBegin = Math.min(end, roundUp(offset));
    long wholeEnd = end == exportBytes ? end : Math.max(wholeBegin, end - end % blockBytes);
    List<CompletableFuture<Void>> parts = new ArrayList<>(1);
    if (offset < wholeBegin) {
      parts.add(fragment.on(offset, wholeBegin - offset));
    }
    if (wholeBegin < wholeEnd) {
      parts.add(whole.on(wholeBegin, wholeEnd - wholeBegin));
    }
    if (wholeEnd < end) {
      parts.add(fragment.on(wholeEnd, end - wholeEnd));
    }
    return parts.size() == 1
        ? parts.get(0)
        : CompletableFuture.allOf(parts.toArray(CompletableFuture[]::new));
  }

  private long roundUp(long offset) {
    long over = offset % blockBytes;
    return over == 0 ? offset : offset - over + blockBytes;
  }

  /**
   * @param data null for zeroes
   */
  private CompletableFuture<Void> fragment(long offset, long length, @Nullable ByteBuffer data) {
    long begin = offset - offset % blockBytes;
    Block complete;
    synchronized (this) {
      Block block = incomplete.computeIfAbsent(begin, this::newBlock);
      if (data != null) {
        block.content.put((int) (offset - begin), data, data.position(), data.remaining());
      }
      block.covered += (int) length;
      if (block.covered < block.content.capacity()) {
        return CompletableFuture.completedFuture(null);
      }
      incomplete.remove(begin);
      complete = block;
    }
    return next.write(begin, complete.content.clear());
  }

  private Block newBlock(long begin) {
    return new Block((int) Math.min(blockBytes, exportBytes - begin));
  }

  /** Writes the source's last block, if it is incomplete; all else must have come. */
  CompletableFuture<Void> finish() {
    Map<Long, Block> left;
    synchronized (this) {
      left = Map.copyOf(incomplete);
      incomplete.clear();
    }
    if (left.size() > 1) {
      throw new IllegalStateException("blocks never completed: " + left.keySet());
    }
    return left.entrySet().stream()
        .map(last -> fillUp(last.getKey(), last.getValue()))
        .findFirst()
        .orElseGet(() -> CompletableFuture.completedFuture(null));
  }

  private CompletableFuture<Void> fillUp(long begin, Block block) {
    ByteBuffer rest = block.content.duplicate().position(block.covered);
    return reader
        .read(begin + block.covered, rest)
        .thenCompose(done -> next.write(begin, block.content.clear()));
  }
}
