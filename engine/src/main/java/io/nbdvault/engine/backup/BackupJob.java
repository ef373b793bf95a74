package io.nbdvault.engine.backup;

import io.nbdvault.chunkstore.BackupOptions;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.Names;
import io.nbdvault.engine.pipeline.DiskReading;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupSource;
import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.VmHistory;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Backs up a VM: takes one instant of its disks, reads what is allocated or what a proven bitmap
 * says has changed, and commits one complete snapshot.
 *
 * <p>The order is what makes it safe. The source proves after the last read that the point in time
 * held; then the snapshot is committed; only then do the new checkpoints count and the previous
 * ones go. Whatever dies in between, the repository's last snapshot and the bitmap it names belong
 * together, or the next run sees that they do not and reads in full.
 *
 * <p>What a disk continues from may turn out to be damaged only while it is read. Then the attempt
 * is given up as if it had failed, and one more begins that reads the disk in full: as many at most
 * as there are disks.
 */
public final class BackupJob {
  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;

  public BackupJob(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /**
   * Runs the backup.
   *
   * @return the committed snapshot
   * @throws JobException when nothing was committed; or of kind {@code PARTIAL} when the snapshot
   *     is safe but the VM could not be put back as it was
   */
  public SnapshotRecord run(BackupRequest request)
      throws JobException, IOException, InterruptedException {
    Names.checkVm(request.vm());
    long startNanos = System.nanoTime();
    listener.onEvent(new JobEvent.Started("backup", request.vm()));
    ParentDamage damage = new ParentDamage(store, listener);
    while (true) {
      try {
        return attempt(request, damage, startNanos);
      } catch (DamagedParentException e) {
        if (!damage.met(e.parent(), e.damage())) {
          throw e.damage();
        }
        cancellation.check();
      }
    }
  }

  private SnapshotRecord attempt(BackupRequest request, ParentDamage damage, long startNanos)
      throws JobException, IOException, InterruptedException {
    // Its own, as the first failure of an attempt sets the attempt's.
    Cancellation own = new Cancellation();
    cancellation.onCancel(own::cancel);
    VmHistory history = damage.without(VmHistory.of(request.vm(), store.snapshots()));
    Compression compression = request.compression().orElse(store.config().compression());
    try (BackupSession session =
        store.beginBackup(
            history.parents(), new BackupOptions(compression, request.verifyWrites()))) {
      SourceContext context =
          new SourceContext(
              store.config().repositoryId(), session.snapshotId(), history, limits, own, listener);
      return backUp(request, context, session, startNanos);
    }
  }

  private SnapshotRecord backUp(
      BackupRequest request, SourceContext context, BackupSession session, long startNanos)
      throws JobException, IOException, InterruptedException {
    BackupSource source = SourceOpener.open(request, context);
    SnapshotRecord committed;
    try {
      announce(source, context.history());
      List<DiskRecord> disks = readAll(source, context, session);
      context.cancellation().check();
      source.proveWhole();
      committed =
          session.commit(record(request, source, context.history(), session, disks, startNanos));
      listener.onEvent(new JobEvent.Committed(committed));
      source.committed();
    } catch (JobException | IOException | InterruptedException | RuntimeException | Error e) {
      closeAfter(e, source);
      throw e;
    }
    close(source, committed);
    return committed;
  }

  /** Why the backup failed is what its user must read; that tidying up failed too comes beside. */
  private void closeAfter(Throwable failure, BackupSource source) {
    try {
      source.close();
    } catch (JobException e) {
      failure.addSuppressed(e);
      listener.onEvent(new JobEvent.Warning(JobException.sentence(e)));
    }
  }

  private void announce(BackupSource source, VmHistory history) {
    for (SkippedDisk skipped : source.skipped()) {
      listener.onEvent(new JobEvent.DiskSkipped(skipped.name(), skipped.reason()));
    }
    Set<String> present = new HashSet<>();
    source.disks().forEach(disk -> present.add(disk.name()));
    source.skipped().forEach(disk -> present.add(disk.name()));
    history.latest().stream()
        .flatMap(snapshot -> snapshot.disks().stream())
        .filter(disk -> !present.contains(disk.name()))
        .forEach(
            disk ->
                listener.onEvent(
                    new JobEvent.Warning(
                        "disk " + disk.name() + " of the last snapshot is not in this one")));
  }

  /** After the commit a failure to tidy up must not look like a failed backup. */
  private static void close(BackupSource source, SnapshotRecord committed) throws JobException {
    try {
      source.close();
    } catch (JobException e) {
      throw new JobException(
          JobException.Kind.PARTIAL,
          "snapshot "
              + committed.id().shortForm()
              + " is safe, but the VM could not be put"
              + " back as it was: "
              + JobException.sentence(e),
          e);
    }
  }

  private List<DiskRecord> readAll(
      BackupSource source, SourceContext context, BackupSession session)
      throws JobException, IOException, InterruptedException {
    long expected = source.disks().stream().mapToLong(SourceDisk::expectedBytes).sum();
    ProgressMeter meter = new ProgressMeter(listener, expected);
    List<DiskRecord> records = new ArrayList<>();
    try (Pipeline pipeline = new Pipeline(limits, context.cancellation())) {
      for (SourceDisk disk : source.disks()) {
        listener.onEvent(
            new JobEvent.DiskStarted(
                disk.name(), disk.sizeBytes(), disk.fullReason().isEmpty(), disk.fullReason()));
        records.add(read(pipeline, disk, context.history(), session, meter));
      }
    }
    meter.tell();
    return records;
  }

  private DiskRecord read(
      Pipeline pipeline,
      SourceDisk disk,
      VmHistory history,
      BackupSession session,
      ProgressMeter meter)
      throws JobException, IOException, InterruptedException {
    if (disk.fullReason().isPresent()) {
      return record(
          disk,
          new DiskReading(
                  pipeline,
                  disk,
                  session,
                  store.config().chunkSizeBytes(),
                  Optional.empty(),
                  Optional.empty(),
                  meter)
              .run());
    }
    VmHistory.Entry parent =
        history
            .disk(disk.name())
            .orElseThrow(() -> new IllegalStateException("no parent of " + disk.name()));
    try (SnapshotReader reader = store.open(parent.snapshot())) {
      DiskReader content = reader.disk(disk.name());
      return record(
          disk,
          new DiskReading(
                  pipeline,
                  disk,
                  session,
                  store.config().chunkSizeBytes(),
                  Optional.of(parent.disk()),
                  Optional.of(content),
                  meter)
              .run());
    } catch (DamagedException e) {
      throw new DamagedParentException(parent, e);
    }
  }

  /** What a disk continues from is damaged. */
  private static final class DamagedParentException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient VmHistory.Entry parent;
    private final DamagedException damage;

    DamagedParentException(VmHistory.Entry parent, DamagedException damage) {
      super(damage);
      this.parent = parent;
      this.damage = damage;
    }

    VmHistory.Entry parent() {
      return parent;
    }

    DamagedException damage() {
      return damage;
    }
  }

  private static DiskRecord record(SourceDisk disk, DiskReading.Result result) {
    return new DiskRecord(
        disk.name(),
        disk.sizeBytes(),
        disk.format(),
        result.root().root(),
        disk.checkpoint(),
        result.statistics(),
        disk.fullReason().isEmpty(),
        disk.fullReason());
  }

  private static SnapshotRecord record(
      BackupRequest request,
      BackupSource source,
      VmHistory history,
      BackupSession session,
      List<DiskRecord> disks,
      long startNanos) {
    Optional<SnapshotId> parent = history.latest().map(SnapshotRecord::id);
    return new SnapshotRecord(
        session.snapshotId(),
        request.vm(),
        source.vmUuid(),
        source.instant(),
        source.consistency(),
        parent,
        disks,
        source.skipped(),
        new SnapshotStatistics(Duration.ofNanos(System.nanoTime() - startNanos)),
        request.tags(),
        source.qemuVersion(),
        source.configuration());
  }
}
