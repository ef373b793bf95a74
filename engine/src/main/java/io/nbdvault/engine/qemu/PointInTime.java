package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.qemu.RunNames.Role;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExportRequest;
import io.nbdvault.qmp.block.BlockdevBackup;
import io.nbdvault.qmp.block.DirtyBitmap;
import io.nbdvault.qmp.block.DirtyBitmapAdd;
import io.nbdvault.qmp.block.DirtyBitmapMerge;
import io.nbdvault.qmp.block.NodeBitmap;
import io.nbdvault.qmp.block.TransactionAction;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The QMP commands that take one instant of several disks and export it. Nothing here undoes
 * anything: that is {@link QemuCleaner}'s, which also serves runs that died.
 *
 * <pre>
 *   guest device                    NBD export
 *        |                              |
 *   cbw (copy-before-write)     [th (throttle)]
 *        |          \                   |
 *        |           `--- old data --> fl (qcow2 overlay, the scratch file)
 *        |                              | backing
 *        `----------------> d <--------'        bitmaps: cpN recording, cpN+1 recording,
 *                                                        expN a disabled copy of cpN
 * </pre>
 *
 * A read of the overlay finds old data where the guest has written since, and the disk itself
 * everywhere else: together, the disk at the instant of the transaction.
 */
final class PointInTime {
  /** QEMU's default granularity and qcow2's cluster size; also our default chunk size. */
  static final long GRANULARITY_BYTES = 64 << 10;

  private final BlockCommands qemu;
  private final RunNames names;

  PointInTime(BlockCommands qemu, RunNames names) {
    this.qemu = qemu;
    this.names = names;
  }

  /**
   * One disk's part in the instant.
   *
   * @param previous the proven checkpoint to export, or empty for a full read
   * @param checkpoint whether a new checkpoint begins, and whether the image keeps it
   */
  record Part(
      int index, LiveDisk disk, Optional<DirtyBitmap> previous, CheckpointKind checkpoint) {}

  /** What kind of bitmap records a disk from this instant on. */
  enum CheckpointKind {
    NONE,
    TRANSIENT,
    PERSISTENT
  }

  /** Puts an overlay on a disk; the guest does not notice. The slow part, before any freeze. */
  void addOverlay(Part part, Path scratch) throws QmpException {
    ObjectNode options =
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", "qcow2")
            .put("node-name", names.of(Role.SCRATCH, part.index()))
            .put("backing", part.disk().nodeName());
    options.set(
        "file",
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", "file")
            .put("node-name", names.of(Role.FILE, part.index()))
            .put("filename", scratch.toString()));
    qemu.blockdevAdd(options);
  }

  /**
   * Takes the instant. All jobs come before all bitmaps: bitmap actions do not drain, and a write
   * in flight between the merge and the job would be in the snapshot but not in the exported
   * bitmap. A copy that fails must fail the guest's write, which {@link GuestWatch} mends: {@code
   * break-snapshot} would be seen by readers of the filter, and the overlay's reader would silently
   * get the live disk.
   */
  void take(List<Part> parts) throws QmpException {
    List<TransactionAction> actions = new ArrayList<>();
    for (Part part : parts) {
      actions.add(
          new BlockdevBackup(
              part.disk().nodeName(),
              names.of(Role.SCRATCH, part.index()),
              names.of(Role.JOB, part.index()),
              names.of(Role.FILTER, part.index())));
    }
    for (Part part : parts) {
      addBitmaps(actions, part);
    }
    qemu.transaction(actions);
  }

  private void addBitmaps(List<TransactionAction> actions, Part part) {
    String node = part.disk().nodeName();
    if (part.checkpoint() != CheckpointKind.NONE) {
      boolean persistent = part.checkpoint() == CheckpointKind.PERSISTENT;
      actions.add(
          new DirtyBitmapAdd(node, names.checkpointBitmap(), GRANULARITY_BYTES, persistent, false));
    }
    part.previous()
        .ifPresent(
            bitmap -> {
              long granularity = bitmap.granularityBytes();
              actions.add(new DirtyBitmapAdd(node, names.exportBitmap(), granularity, false, true));
              actions.add(new DirtyBitmapMerge(node, names.exportBitmap(), List.of(bitmap.name())));
            });
  }

  /** Starts QEMU's NBD server on our own socket, with a marker that says whose it is. */
  void startServer(Path socket) throws JobException, QmpException {
    String marker = names.of(Role.SERVER);
    qemu.objectAdd(
        JsonNodeFactory.instance.objectNode().put("qom-type", Markers.TYPE).put("id", marker));
    try {
      qemu.nbdServerStart(socket);
    } catch (QmpCommandException refused) {
      qemu.objectDel(marker); // Beside somebody else's server it would say that it is ours.
      if (String.valueOf(refused.getMessage()).contains("already running")) {
        throw new JobException(
            JobException.Kind.FAILED,
            "QEMU's NBD server is already running and is not ours: a migration or another program"
                + " uses it, and a QEMU has only one (nbd-server-stop ends it)",
            refused);
      }
      throw refused;
    }
  }

  /** Makes the group that the rate limit is set on, for all disks together. */
  void addThrottleGroup(long bytesPerSecond) throws QmpException {
    ObjectNode group =
        JsonNodeFactory.instance
            .objectNode()
            .put("qom-type", "throttle-group")
            .put("id", names.of(Role.GROUP));
    group.set("limits", JsonNodeFactory.instance.objectNode().put("bps-read", bytesPerSecond));
    qemu.objectAdd(group);
  }

  /**
   * Exports a disk as {@link #exportName}: its overlay, or the disk itself where it cannot be
   * written to. Under a rate limit a filter above limits our reads and not the guest's.
   */
  void export(Part part, boolean overlay, OptionalLong rateLimit) throws QmpException {
    String node = overlay ? names.of(Role.SCRATCH, part.index()) : part.disk().nodeName();
    if (rateLimit.isPresent()) {
      String throttle = names.of(Role.THROTTLE, part.index());
      qemu.blockdevAdd(
          JsonNodeFactory.instance
              .objectNode()
              .put("driver", "throttle")
              .put("node-name", throttle)
              .put("throttle-group", names.of(Role.GROUP))
              .put("file", node));
      node = throttle;
    }
    List<NodeBitmap> bitmaps =
        part.previous().isPresent()
            ? List.of(new NodeBitmap(part.disk().nodeName(), names.exportBitmap()))
            : List.of();
    qemu.blockExportAddNbd(
        new BlockExportRequest(
            names.of(Role.EXPORT, part.index()), node, exportName(part), false, bitmaps, false));
  }

  String exportName(Part part) {
    return names.of(Role.EXPORT, part.index());
  }
}
