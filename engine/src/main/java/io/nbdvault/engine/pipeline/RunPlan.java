package io.nbdvault.engine.pipeline;

import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.SourceExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What is to be looked at of a disk: its extents, asked for a window ahead, become runs of chunks.
 * The disk may be larger than what is planned.
 */
final class RunPlan {
  private final Pipeline pipeline;
  private final SourceDisk disk;
  private final long sizeBytes;
  private final int chunkSizeBytes;
  private final Optional<DiskReader> parent;

  /**
   * @param sizeBytes how much of the disk is planned
   * @param parent what unchanged extents are as in; there are none where this is empty
   */
  RunPlan(
      Pipeline pipeline,
      SourceDisk disk,
      long sizeBytes,
      int chunkSizeBytes,
      Optional<DiskReader> parent) {
    this.pipeline = pipeline;
    this.disk = disk;
    this.sizeBytes = sizeBytes;
    this.chunkSizeBytes = chunkSizeBytes;
    this.parent = parent;
  }

  /** Hands out the runs in the order of the disk, on this thread. */
  void forEach(ChunkPlanner.RunConsumer consumer)
      throws JobException, IOException, InterruptedException {
    ChunkPlanner planner =
        new ChunkPlanner(sizeBytes, chunkSizeBytes, this::parentIsZero, consumer);
    long position = 0;
    CompletableFuture<List<SourceExtent>> next = extentsFrom(0);
    while (position < sizeBytes) {
      List<SourceExtent> extents =
          pipeline.await(next, "disk " + disk.name() + ": its extents cannot be read");
      position = extents.get(extents.size() - 1).endBytes();
      if (position < sizeBytes) {
        next = extentsFrom(position);
      }
      for (SourceExtent extent : extents) {
        planner.add(extent);
      }
    }
    planner.finish();
  }

  private CompletableFuture<List<SourceExtent>> extentsFrom(long offset) {
    long left = sizeBytes - offset;
    return left == 0
        ? CompletableFuture.completedFuture(List.of())
        : disk.extents(offset, Math.min(left, pipeline.limits().extentWindowBytes()));
  }

  private boolean parentIsZero(long offsetBytes, long lengthBytes) throws IOException {
    if (parent.isEmpty()) {
      throw new IllegalStateException("an unchanged extent without a parent: " + offsetBytes);
    }
    return new ParentChunk(parent.get(), offsetBytes / chunkSizeBytes)
        .isZero((int) (offsetBytes % chunkSizeBytes), (int) lengthBytes);
  }

  /** One chunk of the parent snapshot, read when it is asked for. */
  private record ParentChunk(DiskReader reader, long chunk) {
    boolean isZero(int offset, int length) throws IOException {
      byte[] plain = new byte[reader.chunkSizeBytes()]; // A hole in the tree stays all zero.
      reader.forEachChunk(
          chunk,
          chunk + 1,
          (index, id, plainLength) -> {
            reader.read(id, plain, 0);
            return true;
          });
      return ByteBuffer.wrap(plain, offset, length).equals(ByteBuffer.allocate(length));
    }
  }
}
