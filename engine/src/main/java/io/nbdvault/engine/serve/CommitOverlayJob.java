package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.SnapshotSelector;
import io.nbdvault.engine.pipeline.DiskReading;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import io.nbdvault.engine.serve.overlay.Overlay;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.engine.serve.overlay.OverlayHeader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;

/**
 * Makes a new snapshot of a VM from what was written to the disks of one of its snapshots. Only the
 * clusters that were written are read; disks that were not written to are the same in both. The new
 * snapshot has no checkpoints, so the next backup of a running VM reads its disks in full.
 */
public final class CommitOverlayJob {
  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;

  /**
   * @param store open for writing
   */
  public CommitOverlayJob(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /**
   * Commits all overlays over a snapshot, as one new snapshot.
   *
   * @param snapshot as {@link SnapshotSelector} takes it
   * @param keep whether the overlays stay; if not, they are thrown away once the new snapshot is
   *     durable
   * @param tags of the new snapshot
   * @throws JobException if there are none, or something failed; then nothing was committed, or
   *     only the throwing away has failed, and that is said
   * @throws IOException if the repository or an overlay fails, or is in use; nothing was committed
   */
  public SnapshotRecord run(
      OverlayDirectory directory, String snapshot, boolean keep, SortedMap<String, String> tags)
      throws JobException, IOException, InterruptedException {
    long startNanos = System.nanoTime();
    SnapshotRecord below = SnapshotSelector.select(store, snapshot);
    List<Path> files = directory.filesOver(below.id());
    if (files.isEmpty()) {
      throw JobException.badRequest(
          "nothing was written to snapshot "
              + below.id().shortForm()
              + ": there is no overlay of it in "
              + directory.path());
    }
    listener.onEvent(new JobEvent.Started("commit", below.id().hex()));
    Map<Path, Overlay> open = new LinkedHashMap<>();
    try {
      for (Path file : files) {
        Overlay overlay = directory.open(file);
        open.put(file, overlay);
        check(file, overlay.header(), below);
      }
      SnapshotRecord committed = commit(below, open.values(), tags, startNanos);
      listener.onEvent(new JobEvent.Committed(committed));
      if (!keep) {
        discard(directory, open, committed);
      }
      return committed;
    } finally {
      for (Overlay overlay : open.values()) {
        overlay.close();
      }
    }
  }

  private void check(Path file, OverlayHeader header, SnapshotRecord below) throws JobException {
    boolean isOfDisk =
        header.repositoryId().equals(store.config().repositoryId())
            && header.snapshot().equals(below.id())
            && header.clusterBytes() == store.config().chunkSizeBytes()
            && below
                .disk(header.disk())
                .filter(disk -> disk.sizeBytes() == header.sizeBytes())
                .isPresent();
    if (!isOfDisk) {
      throw JobException.failed(
          file + " lies over " + header + ", which is no disk of snapshot " + below.id());
    }
  }

  private SnapshotRecord commit(
      SnapshotRecord below,
      Iterable<Overlay> overlays,
      SortedMap<String, String> tags,
      long startNanos)
      throws JobException, IOException, InterruptedException {
    try (BackupSession session =
            store.beginBackup(Set.of(below.id()), store.config().compression());
        SnapshotReader reader = store.open(below.id());
        Pipeline pipeline = new Pipeline(limits, cancellation)) {
      Map<String, DiskRecord> written = new LinkedHashMap<>();
      long expected = 0;
      for (Overlay overlay : overlays) {
        expected += overlay.dataBytes();
      }
      ProgressMeter meter = new ProgressMeter(listener, expected);
      for (Overlay overlay : overlays) {
        DiskRecord disk = below.disk(overlay.header().disk()).orElseThrow();
        warnOfDamage(below, disk);
        listener.onEvent(
            new JobEvent.DiskStarted(disk.name(), disk.sizeBytes(), true, Optional.empty()));
        written.put(disk.name(), read(pipeline, reader, disk, overlay, session, meter));
      }
      meter.tell();
      cancellation.check();
      return session.commit(record(session, below, written, tags, startNanos));
    }
  }

  /** What was not written anew is as damaged in the new snapshot as in the one below. */
  private void warnOfDamage(SnapshotRecord below, DiskRecord disk) throws IOException {
    if (store.knowsDamage() && !store.findDamage(below.id(), disk.name()).isEmpty()) {
      listener.onEvent(
          new JobEvent.Warning(
              "disk "
                  + disk.name()
                  + " is damaged in snapshot "
                  + below.id().shortForm()
                  + "; what was not written anew is so in the new one too"));
    }
  }

  private DiskRecord read(
      Pipeline pipeline,
      SnapshotReader reader,
      DiskRecord disk,
      Overlay overlay,
      BackupSession session,
      ProgressMeter meter)
      throws JobException, IOException, InterruptedException {
    try (OverlaySourceDisk source = new OverlaySourceDisk(disk, overlay)) {
      DiskReading.Result result =
          new DiskReading(
                  pipeline,
                  source,
                  session,
                  store.config().chunkSizeBytes(),
                  Optional.of(disk),
                  Optional.of(reader.disk(disk.name())),
                  meter)
              .run();
      return new DiskRecord(
          disk.name(),
          disk.sizeBytes(),
          disk.format(),
          result.root().root(),
          Optional.empty(),
          result.statistics(),
          true,
          Optional.empty());
    }
  }

  private static SnapshotRecord record(
      BackupSession session,
      SnapshotRecord below,
      Map<String, DiskRecord> written,
      SortedMap<String, String> tags,
      long startNanos) {
    List<DiskRecord> disks = new ArrayList<>();
    for (DiskRecord disk : below.disks()) {
      disks.add(written.getOrDefault(disk.name(), unwritten(disk)));
    }
    return new SnapshotRecord(
        session.snapshotId(),
        below.vm(),
        below.vmUuid(),
        Instant.now().truncatedTo(ChronoUnit.MILLIS),
        Consistency.CRASH,
        Optional.of(below.id()),
        disks,
        below.skipped(),
        new SnapshotStatistics(Duration.ofNanos(System.nanoTime() - startNanos)),
        tags,
        below.qemuVersion(),
        below.vmConfiguration());
  }

  private static DiskRecord unwritten(DiskRecord disk) {
    return new DiskRecord(
        disk.name(),
        disk.sizeBytes(),
        disk.format(),
        disk.root(),
        Optional.empty(),
        new DiskStatistics(0, 0, 0, 0, 0, 0, 0),
        true,
        Optional.empty());
  }

  /** After the commit, a failure to tidy up must not look like one to commit. */
  private static void discard(
      OverlayDirectory directory, Map<Path, Overlay> open, SnapshotRecord committed)
      throws JobException {
    for (Map.Entry<Path, Overlay> overlay : open.entrySet()) {
      try {
        directory.delete(overlay.getKey(), overlay.getValue());
      } catch (IOException e) {
        throw new JobException(
            JobException.Kind.PARTIAL,
            "snapshot "
                + committed.id().shortForm()
                + " is safe, but overlay "
                + overlay.getKey()
                + " could not be thrown away: "
                + JobException.sentence(e),
            e);
      }
    }
  }
}
