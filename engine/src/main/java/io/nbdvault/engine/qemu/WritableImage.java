package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExportRequest;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.block.DirtyBitmap;
import io.nbdvault.qmp.block.NodeBitmap;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * An image or a device that no machine has open, for us to write to: a private {@code
 * qemu-storage-daemon} holds QEMU's lock on it and exports it, with what is dirty since a snapshot
 * if that can be proved. The proof is that of a backup: see {@link CheckpointProof}.
 *
 * <p>Writing leaves no bitmap wrong. They record these writes too, and if the daemon is killed they
 * are inconsistent, which every proof refuses. That our checkpoints are removed at the end all the
 * same has another reason: {@code docs/decisions/0020-what-differs.md}.
 */
public final class WritableImage implements AutoCloseable {
  private static final String NODE = "image";

  private final Request request;
  private final StorageDaemon daemon;
  private final NbdUri uri;
  private final LiveDisk disk;
  private final CheckpointProof.Verdict verdict;

  /**
   * What is opened, and for what.
   *
   * @param format as QEMU calls it
   * @param repositoryId whose bitmaps are ours
   * @param snapshot whose content the image is to get
   * @param wanted the disk as that snapshot has it
   * @param notProvable why no bitmap can tell what has changed since that snapshot, if so
   */
  public record Request(
      Path file,
      String format,
      String repositoryId,
      SnapshotId snapshot,
      DiskRecord wanted,
      Optional<String> notProvable) {}

  private WritableImage(
      Request request,
      StorageDaemon daemon,
      NbdUri uri,
      LiveDisk disk,
      CheckpointProof.Verdict verdict) {
    this.request = request;
    this.daemon = daemon;
    this.uri = uri;
    this.disk = disk;
    this.verdict = verdict;
  }

  /**
   * Opens and exports it.
   *
   * @throws JobException when somebody has it open, or it is not of that format
   */
  public static WritableImage open(Request request)
      throws JobException, IOException, InterruptedException {
    StorageDaemon daemon = StorageDaemon.start();
    boolean opened = false;
    try {
      WritableImage image = export(request, daemon);
      opened = true;
      return image;
    } catch (QmpException e) {
      if (e instanceof QmpCommandException refused && StorageDaemon.isLocked(refused)) {
        throw new JobException(
            JobException.Kind.FAILED, request.file() + " is in use: is its VM running?", refused);
      }
      throw JobException.failed(request.file() + " cannot be opened", e);
    } finally {
      if (!opened) {
        daemon.close();
      }
    }
  }

  private static WritableImage export(Request request, StorageDaemon daemon)
      throws JobException, QmpException {
    BlockCommands commands = daemon.qemu().commands();
    ObjectNode options = StorageDaemon.imageOptions(NODE, request.file(), request.format());
    options.put("discard", "unmap").withObject("/file").put("discard", "unmap");
    commands.blockdevAdd(options);
    BlockNode node =
        commands
            .findNode(NODE)
            .orElseThrow(() -> JobException.failed("QEMU does not list " + request.file()));
    LiveDisk disk = LiveDisk.of(request.wanted().name(), node, Optional.empty());
    CheckpointProof.Verdict verdict = judge(request, disk, daemon.qemu());
    RunNames names = new RunNames(request.repositoryId(), request.snapshot());
    List<NodeBitmap> bitmaps = List.of();
    if (verdict.bitmap().isPresent()) {
      copyBitmap(commands, verdict.bitmap().get(), names.exportBitmap());
      bitmaps = List.of(new NodeBitmap(NODE, names.exportBitmap()));
    }
    Path socket = daemon.qemu().socketDirectory().resolve("nbd");
    commands.nbdServerStart(socket);
    String export = names.of(RunNames.Role.EXPORT, 0);
    commands.blockExportAddNbd(new BlockExportRequest(export, NODE, export, true, bitmaps, false));
    return new WritableImage(request, daemon, NbdUri.unix(socket, export), disk, verdict);
  }

  private static CheckpointProof.Verdict judge(
      Request request, LiveDisk disk, QemuConnection qemu) {
    if (request.notProvable().isPresent()) {
      return CheckpointProof.Verdict.full(request.notProvable().get());
    }
    return CheckpointProof.judge(
        Optional.of(request.wanted()),
        new CheckpointProof.Found(
            disk.sizeBytes(),
            disk.readOnly(),
            disk.imageChain(),
            disk.bitmaps(),
            qemu.processIdentity()));
  }

  /** What is dirty now: the copy does not record, so it does not see what we write. */
  private static void copyBitmap(BlockCommands commands, DirtyBitmap from, String to)
      throws QmpException {
    commands.dirtyBitmapAdd(NODE, to, from.granularityBytes(), false, true);
    commands.dirtyBitmapMerge(NODE, to, List.of(from.name()));
  }

  /** Where it can be read and written. */
  public NbdUri uri() {
    return uri;
  }

  /** As its guest sees it. */
  public long sizeBytes() {
    return disk.sizeBytes();
  }

  /** The metadata context of what has changed since the snapshot, if that is proved. */
  public Optional<String> dirtyContext() {
    return verdict
        .bitmap()
        .map(
            bitmap ->
                BaseAllocation.dirtyBitmapContext(
                    new RunNames(request.repositoryId(), request.snapshot()).exportBitmap()));
  }

  /** Why it is not proved, if so. */
  public Optional<String> fullReason() {
    return verdict.fullReason();
  }

  /**
   * Removes this repository's checkpoints and lets go of the image, which then is durable. What was
   * written must have been flushed.
   *
   * @throws JobException when it may not be
   */
  public void complete(EngineLimits limits, JobListener listener)
      throws JobException, IOException, InterruptedException {
    try {
      daemon
          .qemu()
          .cleaner(false, limits, listener)
          .removeBitmaps((node, bitmap) -> isOurCheckpoint(bitmap));
    } catch (QmpException e) {
      throw JobException.failed("the checkpoints of " + request.file() + " cannot be removed", e);
    }
    daemon.end();
    daemon.checkEndedWell();
    if (Files.isRegularFile(request.file())) {
      try (FileChannel channel = FileChannel.open(request.file(), StandardOpenOption.WRITE)) {
        channel.force(true);
      }
    }
  }

  private boolean isOurCheckpoint(String bitmap) {
    return RunNames.isCheckpoint(bitmap) && RunNames.isOfRepository(bitmap, request.repositoryId());
  }

  /** Has the daemon end if it has not. It stores the bitmaps, with what was written until then. */
  @Override
  public void close() throws JobException {
    daemon.close();
  }
}
