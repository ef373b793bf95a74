package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.SnapshotSelector;
import io.nbdvault.engine.pipeline.LostRanges;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import io.nbdvault.engine.source.VmHistory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes disks of a snapshot to targets. New images lie under temporary names until every disk is
 * complete and synced. Devices and NBD disks are written in place, and so is what is there already
 * where only what differs is asked for.
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
    if (request.delta()) {
      ExistingDiskOpener.check(request);
    }
    SnapshotRecord snapshot = SnapshotSelector.select(store, request.snapshot());
    List<DiskRecord> disks = WantedDisks.of(snapshot, request.disks());
    boolean inDirectory = new TargetOpener(request).isDirectoryFor(disks.size());
    listener.onEvent(new JobEvent.Started("restore", snapshot.id().hex()));
    try (SnapshotReader reader = store.open(snapshot.id())) {
      // The walk comes first: a damaged tree is found before a target is touched.
      Map<String, Long> dataBytes = WantedDisks.dataBytes(reader, disks, request.salvage());
      if (inDirectory && !request.delta()) {
        Files.createDirectories(Path.of(request.to()));
      }
      restore(reader, disks, opening(request, snapshot, inDirectory), dataBytes, request);
    }
    return snapshot;
  }

  /** How much of the disks the last run has restored as zeroes, because it cannot be read. */
  public long lostBytes() {
    return lostBytes;
  }

  /** How targets are opened. */
  private interface Opening {
    RestoreTarget open(DiskRecord disk) throws JobException, IOException, InterruptedException;
  }

  private Opening opening(RestoreRequest request, SnapshotRecord snapshot, boolean inDirectory)
      throws IOException {
    if (!request.delta()) {
      TargetOpener opener = new TargetOpener(request);
      return disk -> opener.open(disk, inDirectory);
    }
    ExistingDiskOpener opener =
        new ExistingDiskOpener(
            request,
            snapshot,
            VmHistory.of(snapshot.vm(), store.snapshots()),
            store.config().repositoryId(),
            limits,
            listener);
    return disk -> opener.open(disk, inDirectory);
  }

  private void restore(
      SnapshotReader reader,
      List<DiskRecord> disks,
      Opening opening,
      Map<String, Long> dataBytes,
      RestoreRequest request)
      throws JobException, IOException, InterruptedException {
    ProgressMeter meter = new ProgressMeter(listener, expectedBytes(disks, dataBytes, request));
    List<Pair> opened = new ArrayList<>();
    List<RestoreTarget.Filled> filled = new ArrayList<>();
    try (Pipeline pipeline = new Pipeline(limits, cancellation)) {
      for (DiskRecord disk : disks) {
        opened.add(new Pair(disk, opening.open(disk)));
      }
      for (Pair pair : opened) {
        String name = pair.disk().name();
        Optional<LostRanges> lost =
            request.salvage() ? Optional.of(new LostRanges()) : Optional.empty();
        RestoreTarget.Wanted wanted =
            new RestoreTarget.Wanted(name, reader.disk(name), dataBytes.getOrDefault(name, 0L));
        filled.add(pair.target().fill(pipeline, wanted, meter, lost));
        pair.target().complete();
        meter.tell();
        lost.ifPresent(ranges -> tell(reader.record(), pair.disk(), ranges));
      }
      cancellation.check(); // Not between two of them: all disks of a snapshot, or none.
      for (int index = 0; index < opened.size(); index++) {
        publish(opened.get(index), filled.get(index));
      }
    } finally {
      closeAll(opened);
    }
  }

  /** Where disks are compared, all of them are gone through. */
  private static long expectedBytes(
      List<DiskRecord> disks, Map<String, Long> dataBytes, RestoreRequest request) {
    return request.delta()
        ? disks.stream().mapToLong(DiskRecord::sizeBytes).sum()
        : dataBytes.values().stream().mapToLong(Long::longValue).sum();
  }

  private void publish(Pair pair, RestoreTarget.Filled filled) throws IOException {
    pair.target().publish();
    listener.onEvent(
        new JobEvent.Restored(
            pair.disk().name(),
            pair.target().name(),
            pair.disk().sizeBytes(),
            filled.dataBytes(),
            filled.difference()));
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
