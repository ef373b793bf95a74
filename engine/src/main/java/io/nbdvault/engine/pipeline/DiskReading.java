package io.nbdvault.engine.pipeline;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.SourceDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Reads one disk into the store: extents are asked for a window ahead, become runs of chunks, runs
 * become reads within the byte budget, workers store what was read, and this thread appends the ids
 * to the disk's tree in the order of the disk.
 */
public final class DiskReading {
  private final Pipeline pipeline;
  private final SourceDisk disk;
  private final BackupSession session;
  private final ProgressMeter meter;
  private final Optional<DiskReader> parent;
  private final int chunkSizeBytes;
  private final DiskTreeBuilder tree;
  private final Deque<PendingRun> pending = new ArrayDeque<>();

  private long readBytes;
  private long zeroBytes;
  private long newBytes;
  private long duplicateBytes;
  private long storedBytes;

  /** A run that has been planned; its chunks' ids come when they are stored. */
  private record PendingRun(ChunkRun run, CompletableFuture<List<StoredChunk>> stored) {}

  /** What a disk became. */
  public record Result(DiskRoot root, DiskStatistics statistics) {}

  /**
   * @param parent the same disk in the parent snapshot, when the source's {@code UNCHANGED} can be
   *     trusted; its record and its content
   */
  public DiskReading(
      Pipeline pipeline,
      SourceDisk disk,
      BackupSession session,
      int chunkSizeBytes,
      Optional<DiskRecord> parentRecord,
      Optional<DiskReader> parent,
      ProgressMeter meter) {
    this.pipeline = pipeline;
    this.disk = disk;
    this.session = session;
    this.chunkSizeBytes = chunkSizeBytes;
    this.parent = parent;
    this.meter = meter;
    this.tree = session.newDisk(disk.sizeBytes(), parentRecord);
  }

  /** Reads the whole disk. On failure nothing is under way any more when this throws. */
  public Result run() throws JobException, IOException, InterruptedException {
    try {
      new RunPlan(pipeline, disk, disk.sizeBytes(), chunkSizeBytes, parent).forEach(this::accept);
      while (!pending.isEmpty()) {
        appendFirst();
      }
      pipeline.drain();
    } catch (JobException | IOException | InterruptedException | RuntimeException | Error e) {
      disk.close(); // Fails the reads in flight, so that the drain ends.
      pipeline.drainAfter(e);
      throw e;
    }
    DiskRoot root = tree.finish();
    return new Result(
        root,
        new DiskStatistics(
            readBytes,
            disk.fullReason().isPresent() ? 0 : disk.expectedBytes(),
            zeroBytes,
            newBytes,
            duplicateBytes,
            storedBytes,
            root.nodeBytesStored()));
  }

  private void accept(ChunkRun run) throws JobException, IOException, InterruptedException {
    switch (run.kind()) {
      case KEEP -> {}
      case ZERO -> {
        zeroBytes += bytesOf(run);
        enqueue(new PendingRun(run, CompletableFuture.completedFuture(List.of())));
      }
      case READ -> {
        long step = Math.max(1, pipeline.limits().requestBytesMax() / chunkSizeBytes);
        for (long chunk = run.firstChunk(); chunk < run.endChunk(); chunk += step) {
          read(new ChunkRun(chunk, Math.min(step, run.endChunk() - chunk), run.kind()));
        }
      }
    }
  }

  private long bytesOf(ChunkRun run) {
    long end = Math.min(run.endChunk() * chunkSizeBytes, disk.sizeBytes());
    return end - run.firstChunk() * chunkSizeBytes;
  }

  private void read(ChunkRun run) throws JobException, IOException, InterruptedException {
    int length = (int) bytesOf(run);
    int leased = pipeline.buffers().sizeOf(length);
    pipeline.budget().lease(leased, pipeline.cancellation());
    CompletableFuture<List<StoredChunk>> stored;
    boolean started = false;
    try {
      stored = readAndStore(run.firstChunk() * chunkSizeBytes, length);
      started = true;
    } finally {
      if (!started) {
        pipeline.budget().release(leased);
      }
    }
    stored = stored.whenComplete((chunks, failure) -> pipeline.budget().release(leased));
    readBytes += length;
    enqueue(new PendingRun(run, stored));
  }

  private CompletableFuture<List<StoredChunk>> readAndStore(long offset, int length) {
    byte[] buffer = pipeline.buffers().take(length);
    return disk.read(offset, ByteBuffer.wrap(buffer, 0, length))
        .thenComposeAsync(done -> store(buffer, length), pipeline.workers())
        .whenComplete(
            (chunks, failure) -> {
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
    return "disk " + disk.name() + " cannot be backed up";
  }

  /** Runs on a worker. */
  private CompletableFuture<List<StoredChunk>> store(byte[] buffer, int length) {
    meter.moved(length);
    List<CompletableFuture<StoredChunk>> puts = new ArrayList<>();
    for (int offset = 0; offset < length; offset += chunkSizeBytes) {
      puts.add(session.put(buffer, offset, Math.min(chunkSizeBytes, length - offset)));
    }
    return CompletableFuture.allOf(puts.toArray(new CompletableFuture<?>[0]))
        .thenApply(done -> puts.stream().map(CompletableFuture::join).toList());
  }

  private void enqueue(PendingRun run) throws JobException, IOException, InterruptedException {
    pending.addLast(run);
    while (!pending.isEmpty()
        && (pending.size() > pipeline.limits().pendingRunsMax()
            || pending.getFirst().stored().isDone())) {
      appendFirst();
    }
  }

  private void appendFirst() throws JobException, IOException, InterruptedException {
    PendingRun first = pending.removeFirst();
    ChunkRun run = first.run();
    List<StoredChunk> stored = pipeline.await(first.stored(), whatFailed());
    if (run.kind() == ChunkRun.Kind.ZERO) {
      tree.appendZeros(run.firstChunk(), run.chunkCount());
      return;
    }
    long chunk = run.firstChunk();
    for (StoredChunk one : stored) {
      count(one, Math.min(chunkSizeBytes, disk.sizeBytes() - chunk * chunkSizeBytes));
      tree.append(chunk++, one.id());
    }
  }

  private void count(StoredChunk chunk, long plainBytes) {
    switch (chunk.outcome()) {
      case ZERO -> zeroBytes += plainBytes;
      case NEW -> {
        newBytes += plainBytes;
        storedBytes += chunk.storedBytes();
        meter.stored(plainBytes, 0);
      }
      case DUPLICATE -> {
        duplicateBytes += plainBytes;
        meter.stored(0, plainBytes);
      }
    }
  }
}
