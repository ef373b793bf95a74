package io.nbdvault.engine.pipeline;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.SourceExtent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns extents, which may begin and end anywhere, into runs of whole chunks. A chunk is read when
 * any part of it must be, is zero when all of it is, and is kept otherwise.
 *
 * <p>One case needs the parent: a chunk in part unchanged and in part zero. A disk that shrank and
 * grew again between two backups has lost content there without any bitmap noticing, so such a
 * chunk is kept only if the parent has zeroes in the same places.
 */
final class ChunkPlanner {
  /** Asks whether a stretch of the parent snapshot is all zero. */
  interface ParentContent {
    boolean isZero(long offsetBytes, long lengthBytes) throws IOException;
  }

  /** Takes the runs, in order, without gaps. */
  interface RunConsumer {
    void accept(ChunkRun run) throws IOException, JobException, InterruptedException;
  }

  private final long sizeBytes;
  private final int chunkSizeBytes;
  private final ParentContent parent;
  private final RunConsumer consumer;
  private long positionBytes;
  private @Nullable ChunkRun open;

  // The chunk being put together from several extents.
  private boolean partHasData;
  private boolean partHasUnchanged;
  private final List<SourceExtent> partZeroes = new ArrayList<>();

  ChunkPlanner(long sizeBytes, int chunkSizeBytes, ParentContent parent, RunConsumer consumer) {
    this.sizeBytes = sizeBytes;
    this.chunkSizeBytes = chunkSizeBytes;
    this.parent = parent;
    this.consumer = consumer;
  }

  /** Takes the next extent, which must begin where the last one ended. */
  void add(SourceExtent extent) throws IOException, JobException, InterruptedException {
    if (extent.offsetBytes() != positionBytes || extent.endBytes() > sizeBytes) {
      throw new IllegalStateException(
          "extent " + extent + " at " + positionBytes + " of " + sizeBytes);
    }
    while (positionBytes < extent.endBytes()) {
      long chunk = positionBytes / chunkSizeBytes;
      long chunkEnd = Math.min((chunk + 1) * chunkSizeBytes, sizeBytes);
      if (positionBytes == chunk * chunkSizeBytes && extent.endBytes() >= chunkEnd) {
        addWholeChunks(chunk, extent);
      } else {
        addPart(chunk, chunkEnd, extent);
      }
    }
  }

  private void addWholeChunks(long chunk, SourceExtent extent)
      throws IOException, JobException, InterruptedException {
    boolean toTheEnd = extent.endBytes() == sizeBytes;
    long endChunk =
        toTheEnd
            ? (sizeBytes + chunkSizeBytes - 1) / chunkSizeBytes
            : extent.endBytes() / chunkSizeBytes;
    emit(new ChunkRun(chunk, endChunk - chunk, runKind(extent.kind())));
    positionBytes = toTheEnd ? sizeBytes : endChunk * chunkSizeBytes;
  }

  private void addPart(long chunk, long chunkEnd, SourceExtent extent)
      throws IOException, JobException, InterruptedException {
    long end = Math.min(extent.endBytes(), chunkEnd);
    switch (extent.kind()) {
      case DATA -> partHasData = true;
      case UNCHANGED -> partHasUnchanged = true;
      case ZERO ->
          partZeroes.add(new SourceExtent(positionBytes, end - positionBytes, ExtentKind.ZERO));
    }
    positionBytes = end;
    if (end == chunkEnd) {
      emit(new ChunkRun(chunk, 1, partKind()));
      partHasData = false;
      partHasUnchanged = false;
      partZeroes.clear();
    }
  }

  private ChunkRun.Kind partKind() throws IOException {
    if (partHasData) {
      return ChunkRun.Kind.READ;
    }
    if (!partHasUnchanged) {
      return ChunkRun.Kind.ZERO;
    }
    for (SourceExtent zero : partZeroes) {
      if (!parent.isZero(zero.offsetBytes(), zero.lengthBytes())) {
        return ChunkRun.Kind.READ;
      }
    }
    return ChunkRun.Kind.KEEP;
  }

  private static ChunkRun.Kind runKind(ExtentKind kind) {
    return switch (kind) {
      case DATA -> ChunkRun.Kind.READ;
      case ZERO -> ChunkRun.Kind.ZERO;
      case UNCHANGED -> ChunkRun.Kind.KEEP;
    };
  }

  private void emit(ChunkRun run) throws IOException, JobException, InterruptedException {
    ChunkRun before = open;
    if (before != null && before.kind() == run.kind()) {
      open = new ChunkRun(before.firstChunk(), before.chunkCount() + run.chunkCount(), run.kind());
      return;
    }
    if (before != null) {
      consumer.accept(before);
    }
    open = run;
  }

  /** Hands out the last run. The extents must have reached the end of the disk. */
  void finish() throws IOException, JobException, InterruptedException {
    if (positionBytes != sizeBytes) {
      throw new IllegalStateException("extents end at " + positionBytes + " of " + sizeBytes);
    }
    if (open != null) {
      consumer.accept(open);
      open = null;
    }
  }
}
