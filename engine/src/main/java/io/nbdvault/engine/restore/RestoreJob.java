package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.SnapshotSelector;
import io.nbdvault.engine.pipeline.DiskWriting;
import io.nbdvault.engine.pipeline.LostRanges;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes disks of a snapshot to targets. New images lie under temporary names until every disk is
 * complete and synced. Devices and NBD disks are written in place.
 */
public final class RestoreJob {
  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;
  private long lostBytes;

  public RestoreJob(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /** A disk and where it goes. */
  private record Pair(DiskRecord disk, RestoreTarget target) {}

  /**
   * Restores.
   *
   * @return the snapshot that was meant
   * @throws JobException when the request cannot be met, or something failed on the way
   * @throws IOException when the repository or a target fails; damaged data is never written as if
   *     it were right, but as zeroes if the request says so
   */
  public SnapshotRecord run(RestoreRequest request)
      throws JobException, IOException, InterruptedException {
    SnapshotRecord snapshot = SnapshotSelector.select(store, request.snapshot());
    List<DiskRecord> disks = wanted(snapshot, request.disks());
    TargetOpener opener = new TargetOpener(request);
    boolean inDirectory = opener.isDirectory(disks.size());
    if (disks.size() > 1 && !inDirectory) {
      throw JobException.badRequest(
          "the snapshot has "
              + disks.size()
              + " disks and "
              + request.to()
              + " takes one: choose with --disk, or name a directory");
    }
    listener.onEvent(new JobEvent.Started("restore", snapshot.id().hex()));
    try (SnapshotReader reader = store.open(snapshot.id())) {
      // The walk comes first: a damaged tree is found before a target is touched.
      Map<String, Long> dataBytes = measure(reader, disks, request.salvage());
      if (inDirectory) {
        Files.createDirectories(Path.of(request.to()));
      }
      restore(reader, disks, opener, inDirectory, dataBytes, request.salvage());
    }
    return snapshot;
  }

  /** How much of the disks the last run has restored as zeroes, because it cannot be read. */
  public long lostBytes() {
    return lostBytes;
  }

  private static List<DiskRecord> wanted(SnapshotRecord snapshot, List<String> names)
      throws JobException {
    if (names.isEmpty()) {
      return snapshot.disks();
    }
    List<DiskRecord> disks = new ArrayList<>();
    for (String name : names) {
      disks.add(
          snapshot
              .disk(name)
              .orElseThrow(
                  () ->
                      JobException.badRequest(
                          "snapshot "
                              + snapshot.id().shortForm()
                              + " has no disk '"
                              + name
                              + "' (it has: "
                              + namesOf(snapshot)
                              + ")")));
    }
    return disks;
  }

  private static String namesOf(SnapshotRecord snapshot) {
    return String.join(", ", snapshot.disks().stream().map(DiskRecord::name).toList());
  }

  private static Map<String, Long> measure(
      SnapshotReader reader, List<DiskRecord> disks, boolean salvage)
      throws JobException, IOException {
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (DiskRecord disk : disks) {
      DiskReader content = reader.disk(disk.name());
      long[] sum = new long[1];
      List<JobException> failures = new ArrayList<>();
      content.forEachReadableChunk(
          (index, id, length) -> {
            sum[0] += length;
            return true;
          },
          (first, count, damage) -> {
            if (failures.isEmpty()) {
              failures.add(unreadable(disk, content.chunkSizeBytes(), first, count, damage));
            }
          });
      if (!salvage && !failures.isEmpty()) {
        throw failures.get(0);
      }
      bytes.put(disk.name(), sum[0]);
    }
    return bytes;
  }

  private static JobException unreadable(
      DiskRecord disk, long chunkSizeBytes, long first, long count, DamagedException damage) {
    long offset = first * chunkSizeBytes;
    long length = Math.min(disk.sizeBytes() - offset, count * chunkSizeBytes);
    return JobException.failed(
        "disk " + disk.name() + " cannot be restored: " + DiskWriting.unreadable(offset, length),
        damage);
  }

  private void restore(
      SnapshotReader reader,
      List<DiskRecord> disks,
      TargetOpener opener,
      boolean inDirectory,
      Map<String, Long> expectedBytes,
      boolean salvage)
      throws JobException, IOException, InterruptedException {
    ProgressMeter meter =
        new ProgressMeter(
            listener, expectedBytes.values().stream().mapToLong(Long::longValue).sum());
    List<Pair> opened = new ArrayList<>();
    Map<String, Long> dataBytes = new HashMap<>();
    try (Pipeline pipeline = new Pipeline(limits, cancellation)) {
      for (DiskRecord disk : disks) {
        opened.add(new Pair(disk, opener.open(disk, inDirectory)));
      }
      for (Pair pair : opened) {
        Optional<LostRanges> lost = salvage ? Optional.of(new LostRanges()) : Optional.empty();
        DiskReader content = reader.disk(pair.disk().name());
        dataBytes.put(pair.disk().name(), write(pipeline, content, pair, meter, lost));
        lost.ifPresent(ranges -> tell(reader.record(), pair.disk(), ranges));
      }
      cancellation.check(); // Not between two of them: all disks of a snapshot, or none.
      for (Pair pair : opened) {
        pair.target().publish();
        listener.onEvent(
            new JobEvent.Restored(
                pair.disk().name(),
                pair.target().name(),
                pair.disk().sizeBytes(),
                dataBytes.getOrDefault(pair.disk().name(), 0L)));
      }
    } finally {
      closeAll(opened);
    }
  }

  private void tell(SnapshotRecord snapshot, DiskRecord disk, LostRanges lost) {
    for (LostRanges.Range range : lost.ranges()) {
      lostBytes += range.lengthBytes();
      listener.onEvent(
          new JobEvent.Lost(
              new DamagedRange(
                  snapshot.id(),
                  snapshot.vm(),
                  disk.name(),
                  range.offsetBytes(),
                  range.lengthBytes())));
    }
  }

  private static long write(
      Pipeline pipeline,
      DiskReader content,
      Pair pair,
      ProgressMeter meter,
      Optional<LostRanges> lost)
      throws JobException, IOException, InterruptedException {
    RestoreTarget target = pair.target();
    String name = pair.disk().name();
    long dataBytes =
        new DiskWriting(pipeline, name, content, target, !target.startsZeroed(), meter, lost).run();
    target.complete();
    meter.tell();
    return dataBytes;
  }

  private static void closeAll(List<Pair> opened) throws IOException {
    IOException first = null;
    for (Pair pair : opened) {
      try {
        pair.target().close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
