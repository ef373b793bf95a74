package io.nbdvault.engine.pipeline;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.LongAdder;

/**
 * Writes one disk of a snapshot to a target: this thread walks the tree in the order of the disk,
 * neighbouring chunks become one write, and workers read, verify and write them within the byte
 * budget. Ranges without chunks are zeroed where the target may hold something else.
 */
public final class DiskWriting {
  /** Where the disk goes. Called from several threads, for ranges that do not overlap. */
  public interface Target {
    /** Writes all of {@code source}, which is borrowed until this returns. */
    void write(long offsetBytes, ByteBuffer source) throws IOException;

    /** Makes a range read as zeroes. */
    void zero(long offsetBytes, long lengthBytes) throws IOException;
  }

  /** So that a cancelled restore does not go on zeroing a large hole. */
  private static final long ZERO_BYTES_MAX = 256L << 20;

  private final Pipeline pipeline;
  private final String name;
  private final DiskReader disk;
  private final Target target;
  private final boolean zeroHoles;
  private final ProgressMeter meter;
  private final Optional<LostRanges> lost;
  private final int chunkSizeBytes;
  private final int chunksPerWrite;
  private final Deque<CompletableFuture<Void>> pending = new ArrayDeque<>();

  private final List<ChunkId> run = new ArrayList<>();
  private long runFirstChunk;
  private long nextChunk;
  private long dataBytes;
  private final LongAdder lostDataBytes = new LongAdder();

  /**
   * @param name what the user knows the disk by
   * @param zeroHoles whether ranges without data must be zeroed: false for a target that is all
   *     zeroes already
   * @param lost gets what cannot be read, and zeroes are written there; empty if that is to end it
   */
  public DiskWriting(
      Pipeline pipeline,
      String name,
      DiskReader disk,
      Target target,
      boolean zeroHoles,
      ProgressMeter meter,
      Optional<LostRanges> lost) {
    this.pipeline = pipeline;
    this.name = name;
    this.disk = disk;
    this.target = target;
    this.zeroHoles = zeroHoles;
    this.meter = meter;
    this.lost = lost;
    this.chunkSizeBytes = disk.chunkSizeBytes();
    this.chunksPerWrite = Math.max(1, pipeline.limits().requestBytesMax() / chunkSizeBytes);
  }

  /**
   * Writes the whole disk.
   *
   * @return bytes of data written, zeroes and what is lost not counted
   */
  public long run() throws JobException, IOException, InterruptedException {
    long chunks = (disk.sizeBytes() + chunkSizeBytes - 1) / chunkSizeBytes;
    try {
      if (lost.isPresent()) {
        // What a node that is lost stands for is written as if it were a hole.
        disk.forEachReadableChunk(this::visit, (first, count, damage) -> lose(first, count));
      } else {
        disk.forEachChunk(0, chunks, this::visit);
      }
      writeRun();
      zeroUpTo(chunks);
      while (!pending.isEmpty()) {
        awaitFirst();
      }
      pipeline.drain();
    } catch (JobException | IOException | InterruptedException | RuntimeException | Error e) {
      pipeline.cancellation().fail(JobException.failed("the restore of " + name + " was given up"));
      pipeline.drainAfter(e);
      if (e instanceof StoppedWalk) {
        pipeline.cancellation().check();
      }
      throw e;
    }
    return dataBytes - lostDataBytes.sum();
  }

  private void lose(long firstChunk, long chunkCount) {
    long offset = firstChunk * chunkSizeBytes;
    long end = Math.min(disk.sizeBytes(), (firstChunk + chunkCount) * chunkSizeBytes);
    lost.orElseThrow().add(offset, end - offset);
  }

  /** Carries a job's end through the walk of the tree, which knows of {@link IOException} only. */
  private static final class StoppedWalk extends IOException {
    private static final long serialVersionUID = 1L;

    StoppedWalk(Throwable cause) {
      super(cause);
    }
  }

  private boolean visit(long chunk, ChunkId id, int plainLength) throws IOException {
    try {
      if (run.size() == chunksPerWrite || chunk != runFirstChunk + run.size()) {
        writeRun();
      }
      if (run.isEmpty()) {
        zeroUpTo(chunk);
        runFirstChunk = chunk;
      }
      run.add(id);
      nextChunk = chunk + 1;
      dataBytes += plainLength;
      return true;
    } catch (JobException e) {
      pipeline.cancellation().fail(e);
      throw new StoppedWalk(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoppedWalk(e);
    }
  }

  private void writeRun() throws JobException, InterruptedException {
    if (run.isEmpty()) {
      return;
    }
    List<ChunkId> ids = List.copyOf(run);
    run.clear();
    long offset = runFirstChunk * chunkSizeBytes;
    int length = (int) Math.min((long) ids.size() * chunkSizeBytes, disk.sizeBytes() - offset);
    submit(
        length,
        () -> {
          byte[] buffer = pipeline.buffers().take(length);
          int position = 0;
          for (ChunkId id : ids) {
            position += read(id, buffer, position, offset + position);
          }
          if (position != length) {
            throw new IOException("chunks at " + offset + " hold " + position + " of " + length);
          }
          target.write(offset, ByteBuffer.wrap(buffer, 0, length));
          pipeline.buffers().giveBack(buffer);
          meter.moved(length);
        });
  }

  /** Reads a chunk. What is lost reads as zeroes, where that is wanted. Returns its length. */
  private int read(ChunkId id, byte[] buffer, int position, long offset) throws JobException {
    try {
      return disk.read(id, buffer, position);
    } catch (DamagedException | StoreFailedException e) {
      int length = (int) Math.min(chunkSizeBytes, disk.sizeBytes() - offset);
      if (lost.isEmpty()) {
        throw JobException.failed(unreadable(offset, length), e);
      }
      Arrays.fill(buffer, position, position + length, (byte) 0);
      lost.get().add(offset, length);
      lostDataBytes.add(length);
      return length;
    } catch (StoreException e) {
      throw JobException.failed("" + e.getMessage(), e);
    }
  }

  /** A sentence on what of a disk cannot be read, and what to do. */
  public static String unreadable(long offsetBytes, long lengthBytes) {
    return lengthBytes
        + " bytes from "
        + offsetBytes
        + " cannot be read (nbdvault verify shows all of the damage, restore --salvage restores"
        + " the rest)";
  }

  private void zeroUpTo(long chunk) throws JobException, InterruptedException {
    if (!zeroHoles || chunk <= nextChunk) {
      return;
    }
    long offset = nextChunk * chunkSizeBytes;
    long end = Math.min(chunk * chunkSizeBytes, disk.sizeBytes());
    for (long position = offset; position < end; position += ZERO_BYTES_MAX) {
      long start = position;
      submit(1, () -> target.zero(start, Math.min(ZERO_BYTES_MAX, end - start)));
    }
  }

  /** Work of a worker that may fail. */
  private interface Step {
    void run() throws IOException, JobException;
  }

  private void submit(int bytes, Step step) throws JobException, InterruptedException {
    int leaseBytes = Math.max(1, bytes); // Zeroing, too, must be back before the disk is done.
    pipeline.budget().lease(leaseBytes, pipeline.cancellation());
    CompletableFuture<Void> done =
        CompletableFuture.runAsync(() -> runStep(step), pipeline.workers())
            .whenComplete((nothing, failure) -> pipeline.budget().release(leaseBytes));
    pending.addLast(done);
    while (!pending.isEmpty()
        && (pending.size() > pipeline.limits().pendingRunsMax() || pending.getFirst().isDone())) {
      awaitFirst();
    }
  }

  private void awaitFirst() throws JobException, InterruptedException {
    pipeline.await(pending.removeFirst(), "disk " + name + " cannot be restored");
  }

  private void runStep(Step step) {
    try {
      pipeline.cancellation().check();
      step.run();
    } catch (IOException | JobException e) {
      throw new CompletionException(e);
    }
  }
}
