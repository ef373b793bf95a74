package io.nbdvault.engine.pipeline;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.SourceDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.LongAdder;

/**
 * Makes what is there the disk of a snapshot, and writes only the chunks that differ. This thread
 * plans by the target's extents, as a backup does, and asks for reads within the byte budget.
 * Workers compare each chunk's id, and what differs is read from the repository, verified, and
 * written over what was read.
 *
 * <p>A hole of the target is not read; what a proved bitmap calls unchanged is not even compared.
 * Zeroes win over the bitmap, here too: {@code docs/decisions/0006-zero-wins-over-the-bitmap.md}.
 * Wherever it ended, done again it finds what was done before equal.
 */
public final class DiskReverting {
  /** Ids that are looked up at once, so that few nodes of the tree are read twice. */
  private static final int WINDOW_CHUNKS = 4096;

  private final Pipeline pipeline;
  private final SourceDisk current;
  private final DiskReader wanted;
  private final DiskWriting.Target target;
  private final ProgressMeter meter;
  private final int chunkSizeBytes;
  private final int chunksPerRequest;
  private final ChunkId[] window = new ChunkId[WINDOW_CHUNKS];
  private long windowFirst = -WINDOW_CHUNKS;
  private final Deque<CompletableFuture<Void>> pending = new ArrayDeque<>();

  private final LongAdder readBytes = new LongAdder();
  private final LongAdder writtenBytes = new LongAdder();
  private final LongAdder zeroedBytes = new LongAdder();

  /** What becomes of a chunk. */
  private enum Change {
    NONE,
    WRITE,
    ZERO
  }

  /** Neighbouring chunks that are read together, and the ids that they are to have. */
  private record Piece(long offset, int length, List<ChunkId> ids) {
    boolean isZero() {
      return ids.stream().allMatch(ChunkId::isZero);
    }
  }

  /**
   * @param current the target as it is, to read from; at least as large as {@code wanted}
   * @param wanted the disk in the snapshot, and what {@code current} calls unchanged is as in it
   * @param target the same, to write to
   * @param meter is told how much of the disk has been gone through
   */
  public DiskReverting(
      Pipeline pipeline,
      SourceDisk current,
      DiskReader wanted,
      DiskWriting.Target target,
      ProgressMeter meter) {
    this.pipeline = pipeline;
    this.current = current;
    this.wanted = wanted;
    this.target = target;
    this.meter = meter;
    this.chunkSizeBytes = wanted.chunkSizeBytes();
    this.chunksPerRequest = Math.max(1, pipeline.limits().requestBytesMax() / chunkSizeBytes);
  }

  /** Goes through the whole disk. On failure nothing is under way any more when this throws. */
  public DiskDifference run() throws JobException, IOException, InterruptedException {
    try {
      new RunPlan(pipeline, current, wanted.sizeBytes(), chunkSizeBytes, Optional.of(wanted))
          .forEach(this::accept);
      while (!pending.isEmpty()) {
        awaitFirst();
      }
      pipeline.drain();
    } catch (JobException | IOException | InterruptedException | RuntimeException | Error e) {
      pipeline.cancellation().fail(JobException.failed("the restore was given up"));
      current.close(); // Fails the reads in flight, so that the drain ends.
      pipeline.drainAfter(e);
      throw e;
    }
    long changedBytes = writtenBytes.sum() + zeroedBytes.sum();
    return new DiskDifference(
        readBytes.sum(), wanted.sizeBytes() - changedBytes, writtenBytes.sum(), zeroedBytes.sum());
  }

  private void accept(ChunkRun run) throws JobException, IOException, InterruptedException {
    if (run.kind() == ChunkRun.Kind.KEEP) {
      meter.moved(end(run.endChunk()) - run.firstChunk() * chunkSizeBytes);
      return;
    }
    for (long chunk = run.firstChunk(); chunk < run.endChunk(); chunk += chunksPerRequest) {
      Piece piece = piece(chunk, Math.min(chunk + chunksPerRequest, run.endChunk()));
      if (run.kind() == ChunkRun.Kind.READ || !piece.isZero()) {
        revert(piece, run.kind() == ChunkRun.Kind.ZERO);
      } else {
        meter.moved(piece.length());
      }
    }
  }

  private long end(long chunk) {
    return Math.min(chunk * chunkSizeBytes, wanted.sizeBytes());
  }

  private Piece piece(long first, long end) throws IOException {
    ChunkId[] ids = new ChunkId[(int) (end - first)];
    for (int index = 0; index < ids.length; index++) {
      ids[index] = idOf(first + index);
    }
    long offset = first * chunkSizeBytes;
    return new Piece(offset, (int) (end(end) - offset), List.of(ids));
  }

  private ChunkId idOf(long chunk) throws IOException {
    if (chunk >= windowFirst + WINDOW_CHUNKS) {
      windowFirst = chunk - chunk % WINDOW_CHUNKS;
      long chunks = (wanted.sizeBytes() + chunkSizeBytes - 1) / chunkSizeBytes;
      Arrays.fill(window, ChunkId.ZERO);
      wanted.forEachChunk(
          windowFirst,
          Math.min(windowFirst + WINDOW_CHUNKS, chunks),
          (index, id, length) -> {
            window[(int) (index - windowFirst)] = id;
            return true;
          });
    }
    return window[(int) (chunk - windowFirst)];
  }

  /**
   * @param isHole whether the target is known to have zeroes there, so that it is not read
   */
  private void revert(Piece piece, boolean isHole) throws JobException, InterruptedException {
    int leased = pipeline.buffers().sizeOf(piece.length());
    pipeline.budget().lease(leased, pipeline.cancellation());
    CompletableFuture<Void> done;
    boolean started = false;
    try {
      done = readAndRevert(piece, isHole);
      started = true;
    } finally {
      if (!started) {
        pipeline.budget().release(leased);
      }
    }
    pending.addLast(done.whenComplete((nothing, failure) -> pipeline.budget().release(leased)));
    while (!pending.isEmpty()
        && (pending.size() > pipeline.limits().pendingRunsMax() || pending.getFirst().isDone())) {
      awaitFirst();
    }
  }

  private CompletableFuture<Void> readAndRevert(Piece piece, boolean isHole) {
    byte[] buffer = pipeline.buffers().take(piece.length());
    CompletableFuture<Void> read =
        isHole
            ? CompletableFuture.completedFuture(null)
            : current.read(piece.offset(), ByteBuffer.wrap(buffer, 0, piece.length()));
    return read.thenRunAsync(() -> runStep(piece, buffer, isHole), pipeline.workers())
        .whenComplete(
            (nothing, failure) -> {
              if (failure == null) {
                pipeline.buffers().giveBack(buffer);
              } else {
                // At once: whoever waits for a lease does not look at this read. And the buffer is
                // not used again, since somebody may still write into it.
                pipeline.fail(whatFailed(), failure);
              }
            });
  }

  private String whatFailed() {
    return "disk " + current.name() + " cannot be restored";
  }

  private void awaitFirst() throws JobException, InterruptedException {
    pipeline.await(pending.removeFirst(), whatFailed());
  }

  private void runStep(Piece piece, byte[] buffer, boolean isHole) {
    try {
      pipeline.cancellation().check();
      if (!isHole) {
        readBytes.add(piece.length());
      }
      apply(piece, buffer, changes(piece, buffer, isHole));
      meter.moved(piece.length());
    } catch (IOException | JobException e) {
      throw new CompletionException(e);
    }
  }

  private Change[] changes(Piece piece, byte[] buffer, boolean isHole) {
    Change[] changes = new Change[piece.ids().size()];
    for (int index = 0; index < changes.length; index++) {
      ChunkId id = piece.ids().get(index);
      int offset = index * chunkSizeBytes;
      int length = Math.min(chunkSizeBytes, piece.length() - offset);
      boolean equal = isHole ? id.isZero() : wanted.matches(id, buffer, offset, length);
      if (equal) {
        changes[index] = Change.NONE;
      } else {
        changes[index] = id.isZero() ? Change.ZERO : Change.WRITE;
      }
    }
    return changes;
  }

  /** Neighbours that are to become alike become so at once. */
  private void apply(Piece piece, byte[] buffer, Change[] changes)
      throws IOException, JobException {
    int first = 0;
    while (first < changes.length) {
      int end = first + 1;
      while (end < changes.length && changes[end] == changes[first]) {
        end++;
      }
      int offset = first * chunkSizeBytes;
      int length = Math.min(end * chunkSizeBytes, piece.length()) - offset;
      switch (changes[first]) {
        case NONE -> {}
        case ZERO -> {
          target.zero(piece.offset() + offset, length);
          zeroedBytes.add(length);
        }
        case WRITE -> {
          for (int index = first; index < end; index++) {
            read(piece, index, buffer);
          }
          target.write(piece.offset() + offset, ByteBuffer.wrap(buffer, offset, length));
          writtenBytes.add(length);
        }
      }
      first = end;
    }
  }

  private void read(Piece piece, int index, byte[] buffer) throws IOException, JobException {
    int at = index * chunkSizeBytes;
    int length = Math.min(chunkSizeBytes, piece.length() - at);
    long offset = piece.offset() + at;
    try {
      int found = wanted.read(piece.ids().get(index), buffer, at);
      if (found != length) {
        throw new IOException("the chunk at " + offset + " holds " + found + " of " + length);
      }
    } catch (DamagedException | StoreFailedException e) {
      throw JobException.failed(DiskWriting.unreadable(offset, length), e);
    } catch (StoreException e) {
      throw JobException.failed("" + e.getMessage(), e);
    }
  }
}
