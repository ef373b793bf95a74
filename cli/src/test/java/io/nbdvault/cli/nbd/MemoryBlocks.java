package io.nbdvault.cli.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/** An export in memory that takes whole blocks only, and completes when it is told to. */
final class MemoryBlocks implements BlockSink, BlockAssembler.Reader {
  final byte[] content;
  private final int blockBytes;
  private final Queue<Runnable> under = new ArrayDeque<>();
  long zeroedBytes;
  int writes;

  MemoryBlocks(byte[] content, int blockBytes) {
    this.content = content;
    this.blockBytes = blockBytes;
  }

  /** Does the work of all that was asked for so far. */
  void work() {
    for (Runnable next = under.poll(); next != null; next = under.poll()) {
      next.run();
    }
  }

  private CompletableFuture<Void> later(Runnable work) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    under.add(
        () -> {
          work.run();
          done.complete(null);
        });
    return done;
  }

  private void assertWhole(long offset, long length) {
    assertThat(length).isPositive();
    assertThat(offset % blockBytes).isZero();
    assertThat((offset + length) % blockBytes == 0 || offset + length == content.length).isTrue();
  }

  @Override
  public CompletableFuture<Void> write(long offset, ByteBuffer data) {
    assertWhole(offset, data.remaining());
    writes++;
    return later(() -> data.duplicate().get(content, (int) offset, data.remaining()));
  }

  @Override
  public CompletableFuture<Void> zero(long offset, long length) {
    assertWhole(offset, length);
    zeroedBytes += length;
    return later(() -> Arrays.fill(content, (int) offset, (int) (offset + length), (byte) 0));
  }

  @Override
  public CompletableFuture<Void> read(long offset, ByteBuffer destination) {
    return later(() -> destination.put(content, (int) offset, destination.remaining()));
  }
}
