package io.nbdvault.engine.qemu;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.qemu.PointInTime.CheckpointKind;
import io.nbdvault.engine.qemu.PointInTime.Part;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupSource;
import io.nbdvault.engine.source.NbdSourceDisk;
import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.VmHistory;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockJob;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The disks of a QEMU at one instant: a running machine's, or a stopped one's in a storage daemon.
 *
 * <p>What is done, in order: overlays are put on the disks (slow, nobody notices); the guest's
 * filesystems are frozen, if asked for; one transaction starts the copy-before-write jobs and the
 * next checkpoints; thaw; QEMU exports the overlays with the bitmaps. The previous checkpoint goes
 * on recording until {@link #committed()}. {@link #close()} puts all of it back, in every case.
 *
 * <p>What can die, and what then covers the next run: before the transaction nothing has changed;
 * after it and before the commit the previous checkpoint still holds everything; after the commit
 * the repository names the new one. {@link QemuCleaner} takes away the rest.
 */
final class LiveBackup implements BackupSource {
  private static final int SOCKET_PATH_BYTES_MAX = 107;

  private final QemuConnection qemu;
  private final Machine machine;
  private final SourceContext context;
  private final Release release;
  private final RunNames names;
  private final LiveTeardown teardown;
  private final PointInTime pointInTime;
  private final GuestFreeze freeze;
  private final List<Part> parts = new ArrayList<>();
  private final Map<String, String> fullReasons = new LinkedHashMap<>();
  private final List<ScratchFile> scratch = new ArrayList<>();
  private final List<SourceDisk> disks = new ArrayList<>();
  private Optional<GuestWatch> watch = Optional.empty();
  private Instant instant = Instant.EPOCH;
  private boolean frozen;
  private boolean committed;

  /**
   * What is known of the machine besides its disks.
   *
   * @param hasGuest whether a guest may be running: not in a storage daemon
   */
  record Machine(
      boolean hasGuest,
      List<LiveDisk> disks,
      List<SkippedDisk> skipped,
      Optional<String> uuid,
      Optional<String> version,
      Optional<String> configuration) {}

  /** Lets go of what a backup was opened on, once it is closed. */
  interface Release {
    void run() throws JobException;
  }

  private LiveBackup(
      QemuConnection qemu,
      Machine machine,
      BackupRequest request,
      SourceContext context,
      Release release) {
    this.qemu = qemu;
    this.machine = machine;
    this.context = context;
    this.release = release;
    this.names = new RunNames(context.repositoryId(), context.snapshotId());
    this.pointInTime = new PointInTime(qemu.commands(), names);
    this.freeze =
        new GuestFreeze(
            qemu.commands(), names, request.guestAgent(), context.limits(), context.listener());
    this.teardown = new LiveTeardown(qemu, machine, context, names, freeze);
  }

  /**
   * Takes the instant. Leftovers of earlier runs must have been removed. On failure everything is
   * put back before this throws, and the connection stays the caller's.
   *
   * @param release called at the end of {@link #close}
   */
  static LiveBackup begin(
      QemuConnection qemu,
      Machine machine,
      BackupRequest request,
      SourceContext context,
      Release release)
      throws JobException, InterruptedException {
    LiveBackup backup = new LiveBackup(qemu, machine, request, context, release);
    try {
      backup.takeAndExport(request);
      return backup;
    } catch (JobException | InterruptedException | RuntimeException | Error e) {
      backup.putBackAfter(e);
      throw e;
    }
  }

  private void takeAndExport(BackupRequest request) throws JobException, InterruptedException {
    try {
      plan(request);
      prepareScratch(request);
      takeInstant(request);
      export(request);
    } catch (QmpException | NbdException e) {
      context.cancellation().check(); // A guest watch may know better what happened.
      if (!qemu.client().isOpen()) {
        throw new JobException(JobException.Kind.FAILED, GuestWatch.QEMU_ENDED, e);
      }
      throw JobException.failed("the backup cannot begin", e);
    }
  }

  private void putBack() throws JobException {
    disks.forEach(SourceDisk::close);
    teardown.run(watch, scratch, committed);
  }

  /** The failure stays what is reported; that putting back failed too is told beside it. */
  private void putBackAfter(Throwable failure) {
    try {
      putBack();
    } catch (JobException e) {
      failure.addSuppressed(e);
      context.listener().onEvent(new JobEvent.Warning(JobException.sentence(e)));
    }
  }

  private void plan(BackupRequest request) {
    for (LiveDisk disk : machine.disks()) {
      CheckpointProof.Verdict verdict = judge(request, disk);
      verdict.fullReason().ifPresent(reason -> fullReasons.put(disk.name(), reason));
      parts.add(new Part(parts.size(), disk, verdict.bitmap(), checkpointKind(disk)));
    }
  }

  private CheckpointProof.Verdict judge(BackupRequest request, LiveDisk disk) {
    if (request.full() && !disk.readOnly()) {
      return CheckpointProof.Verdict.full("asked for with --full");
    }
    VmHistory history = context.history();
    CheckpointProof.Verdict verdict =
        CheckpointProof.judge(history.disk(disk.name()).map(VmHistory.Entry::disk), found(disk));
    Optional<String> damage = history.damage(disk.name());
    return verdict.bitmap().isPresent() && damage.isPresent()
        ? CheckpointProof.Verdict.full(damage.get())
        : verdict;
  }

  private CheckpointProof.Found found(LiveDisk disk) {
    return new CheckpointProof.Found(
        disk.sizeBytes(),
        disk.readOnly(),
        disk.imageChain(),
        disk.bitmaps(),
        qemu.processIdentity());
  }

  private CheckpointKind checkpointKind(LiveDisk disk) {
    if (disk.readOnly()) {
      return CheckpointKind.NONE;
    }
    if (disk.keepsBitmaps()) {
      return CheckpointKind.PERSISTENT;
    }
    // A transient bitmap dies with its process: of no use in a daemon that ends with this run.
    return machine.hasGuest() ? CheckpointKind.TRANSIENT : CheckpointKind.NONE;
  }

  private void prepareScratch(BackupRequest request)
      throws JobException, QmpException, InterruptedException {
    for (Part part : parts) {
      if (part.disk().readOnly()) {
        continue;
      }
      Path directory = scratchDirectory(request, part.disk());
      ScratchFile.checkDirectory(directory, context.limits().scratchFreeBytesMin());
      for (Path leftover : ScratchFile.removeLeftovers(directory, part.disk().image())) {
        context.listener().onEvent(new JobEvent.Removed("scratch file", leftover.toString()));
      }
    }
    for (Part part : parts) {
      if (part.disk().readOnly()) {
        continue;
      }
      ScratchFile file =
          ScratchFile.create(
              scratchDirectory(request, part.disk()),
              part.disk().image(),
              names,
              part.disk().sizeBytes(),
              qemu.owner());
      scratch.add(file);
      pointInTime.addOverlay(part, file.path());
    }
  }

  private static Path scratchDirectory(BackupRequest request, LiveDisk disk) throws JobException {
    return request
        .scratch()
        .or(disk::imageDirectory)
        .orElseThrow(
            () ->
                JobException.badRequest(
                    "disk '"
                        + disk.name()
                        + "' is not a file ("
                        + disk.image()
                        + "): name a directory for its scratch file with --scratch"));
  }

  private void takeInstant(BackupRequest request) throws JobException, QmpException {
    context.cancellation().check();
    watch =
        Optional.of(
            GuestWatch.start(
                qemu.client(),
                teardown.cleaner(),
                context.limits(),
                context.cancellation(),
                scratch));
    boolean froze;
    boolean heldUntilThaw;
    try {
      froze = freeze.freeze(request.freeze());
      List<Part> written = parts.stream().filter(p -> !p.disk().readOnly()).toList();
      if (!written.isEmpty()) {
        pointInTime.take(written);
      }
      instant = Instant.now();
    } finally {
      heldUntilThaw = freeze.thaw(qemu.commands());
    }
    frozen = froze && heldUntilThaw;
    if (froze && !heldUntilThaw) {
      freeze.notHeld(request.freeze());
    }
    context.listener().onEvent(new JobEvent.PointInTime(instant, parts.size(), consistency()));
  }

  private void export(BackupRequest request)
      throws JobException, QmpException, NbdException, InterruptedException {
    Path socket = qemu.socketDirectory().resolve(names.of(RunNames.Role.SERVER));
    if (socket.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length
        > SOCKET_PATH_BYTES_MAX) {
      throw JobException.failed(
          "the NBD socket "
              + socket
              + " would have more than "
              + SOCKET_PATH_BYTES_MAX
              + " bytes: move QMP's socket to a directory with a shorter name");
    }
    pointInTime.startServer(socket);
    SizeMark sizeMark = new SizeMark(qemu.client(), qemu.commands(), names);
    for (Part part : parts) {
      if (part.checkpoint() == CheckpointKind.TRANSIENT && part.disk().sizeBytes() > 0) {
        sizeMark.set(part, socket);
      }
    }
    if (request.rateLimitBytesPerSecond().isPresent()) {
      pointInTime.addThrottleGroup(request.rateLimitBytesPerSecond().getAsLong());
    }
    for (Part part : parts) {
      pointInTime.export(part, !part.disk().readOnly(), request.rateLimitBytesPerSecond());
    }
    for (Part part : parts) {
      disks.add(
          connect(
              part, NbdUri.unix(socket, pointInTime.exportName(part)), requestTimeout(request)));
    }
  }

  private SourceDisk connect(Part part, NbdUri uri, Duration requestTimeout) throws NbdException {
    LiveDisk disk = part.disk();
    Optional<String> context =
        part.previous().map(b -> BaseAllocation.dirtyBitmapContext(names.exportBitmap()));
    long expected = part.previous().map(b -> b.countBytes()).orElse(disk.allocatedBytes());
    return NbdSourceDisk.open(
        new NbdSourceDisk.Description(
            disk.name(),
            disk.format(),
            Optional.ofNullable(fullReasons.get(disk.name())),
            checkpoint(part),
            expected),
        uri,
        context,
        this.context.limits().connections(),
        requestTimeout);
  }

  /** Under a rate limit a read waits for all that were asked for before it. */
  private Duration requestTimeout(BackupRequest request) {
    Duration unlimited = NbdClientOptions.defaults().requestTimeout();
    if (request.rateLimitBytesPerSecond().isEmpty()) {
      return unlimited;
    }
    long seconds =
        2 * context.limits().budgetBytes() / request.rateLimitBytesPerSecond().getAsLong();
    return unlimited.plusSeconds(Math.min(seconds, Duration.ofHours(23).toSeconds()));
  }

  private Optional<Checkpoint> checkpoint(Part part) {
    if (part.checkpoint() == CheckpointKind.NONE) {
      return Optional.empty();
    }
    boolean persistent = part.checkpoint() == CheckpointKind.PERSISTENT;
    return Optional.of(
        new Checkpoint(
            names.checkpointBitmap(),
            PointInTime.GRANULARITY_BYTES,
            persistent,
            part.disk().imageChain(),
            persistent ? Optional.empty() : qemu.processIdentity()));
  }

  @Override
  public Instant instant() {
    return instant;
  }

  @Override
  public Consistency consistency() {
    if (!machine.hasGuest()) {
      return Consistency.OFFLINE;
    }
    return frozen ? Consistency.FILESYSTEM : Consistency.CRASH;
  }

  @Override
  public List<SourceDisk> disks() {
    return List.copyOf(disks);
  }

  @Override
  public List<SkippedDisk> skipped() {
    return machine.skipped();
  }

  @Override
  public Optional<String> vmUuid() {
    return machine.uuid();
  }

  @Override
  public Optional<String> qemuVersion() {
    return machine.version();
  }

  @Override
  public Optional<String> configuration() {
    return machine.configuration();
  }

  /** A job that has ended turns its overlay silently into the live disk. */
  @Override
  public void proveWhole() throws JobException {
    try {
      List<BlockJob> jobs = qemu.commands().queryBlockJobs();
      for (Part part : parts) {
        String id = names.of(RunNames.Role.JOB, part.index());
        boolean running =
            part.disk().readOnly()
                || jobs.stream()
                    .anyMatch(
                        j ->
                            j.id().equals(id) && j.status().equals("running") && j.error() == null);
        if (!running) {
          throw JobException.failed(
              "the point in time of disk '"
                  + part.disk().name()
                  + "' was lost: its copy-before-write job is no longer running");
        }
      }
    } catch (QmpException e) {
      throw JobException.failed("QEMU cannot say whether the point in time held", e);
    }
    context.cancellation().check();
  }

  @Override
  public void committed() {
    committed = true;
  }

  @Override
  public void close() throws JobException {
    try {
      putBack();
    } finally {
      release.run();
    }
  }
}
