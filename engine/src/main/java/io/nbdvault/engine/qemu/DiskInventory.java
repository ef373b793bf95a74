package io.nbdvault.engine.qemu;

import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.Names;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockDevice;
import io.nbdvault.qmp.block.BlockGraph;
import io.nbdvault.qmp.block.BlockNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The disks of a running QEMU: which there are, what they are called, which are wanted, which are
 * left out and why, and which must not be touched.
 */
record DiskInventory(List<LiveDisk> disks, List<SkippedDisk> skipped) {
  /** Nodes that pass data through; bitmaps belong beneath them. */
  private static final Set<String> FILTERS =
      Set.of("throttle", "copy-on-read", "copy-before-write", "backup-top", "preallocate");

  /** Devices that hand the guest's commands to the host, beneath every filter. */
  private static final Set<String> PASSED_THROUGH = Set.of("scsi-block", "scsi-generic");

  private static final int FILTERS_MAX = 16;

  /**
   * Asks a QEMU.
   *
   * @param directory QEMU's working directory, where it can be told
   * @throws JobException when a wanted disk is not there or must not be backed up live
   */
  static DiskInventory query(
      BlockCommands qemu, BackupRequest request, Optional<Path> directory, IothreadRule iothreads)
      throws QmpException, JobException {
    List<LiveDisk> disks = new ArrayList<>();
    List<SkippedDisk> skipped = new ArrayList<>();
    Set<String> names = new HashSet<>();
    BlockGraph graph = qemu.queryBlockGraph();
    List<BlockNode> nodes = qemu.queryNamedBlockNodes();
    for (BlockDevice device : qemu.queryBlock()) {
      String name = nameOf(device);
      Optional<String> reason = skipReason(device);
      if (reason.isPresent()) {
        refuseIfNamed(request, name, reason.get());
        skipped.add(new SkippedDisk(name, reason.get()));
        continue;
      }
      Names.checkDisk(name);
      if (!names.add(name)) {
        throw JobException.failed(
            "two disks are called '" + name + "': give their devices different ids");
      }
      if (!request.wants(name)) {
        skipped.add(new SkippedDisk(name, "excluded"));
        continue;
      }
      refusePassThrough(qemu, device, name);
      iothreads.check(qemu, device, name);
      disks.add(LiveDisk.of(name, beneathFilters(graph, nodes, device, name), directory));
    }
    skipped.forEach(disk -> names.add(disk.name())); // To exclude what is left out anyway is right.
    request.checkNamed(names);
    if (disks.isEmpty()) {
      throw JobException.badRequest("there is no disk to back up");
    }
    return new DiskInventory(List.copyOf(disks), List.copyOf(skipped));
  }

  /** The device's id, else the legacy drive's name, the node's name, or the file's name. */
  static String nameOf(BlockDevice device) {
    String id = device.deviceId();
    if (id != null && !id.isEmpty()) {
      return id;
    }
    if (!device.device().isEmpty()) {
      return device.device();
    }
    BlockNode inserted = device.inserted();
    if (inserted == null) {
      return afterLastSlash(Objects.requireNonNullElse(device.qdev(), "(unnamed)"));
    }
    if (!inserted.nodeName().isEmpty() && !inserted.nodeName().startsWith("#")) {
      return inserted.nodeName();
    }
    return afterLastSlash(inserted.file());
  }

  private static String afterLastSlash(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Why a device is never a disk of the VM, if it is not. */
  static Optional<String> skipReason(BlockDevice device) {
    BlockNode inserted = device.inserted();
    String qdev = Objects.requireNonNullElse(device.qdev(), "");
    if (qdev.startsWith("/machine/system.flash") || device.device().startsWith("pflash")) {
      return Optional.of("firmware flash");
    }
    if (inserted == null) {
      return Optional.of("empty drive");
    }
    if (device.removable() && inserted.readOnly()) {
      return Optional.of("removable read-only medium");
    }
    return Optional.empty();
  }

  private static void refuseIfNamed(BackupRequest request, String name, String reason)
      throws JobException {
    if (request.disks().contains(name)) {
      throw JobException.badRequest("disk '" + name + "' cannot be backed up: " + reason);
    }
  }

  private static void refusePassThrough(BlockCommands qemu, BlockDevice device, String name)
      throws QmpException, JobException {
    String qdev = device.qdev();
    if (qdev == null) {
      return;
    }
    String path = qdev.startsWith("/") ? qdev : "/machine/peripheral/" + qdev;
    try {
      String type = qemu.qomGet(path, "type").asText();
      if (PASSED_THROUGH.contains(type)) {
        throw JobException.failed(
            "disk '"
                + name
                + "' is a "
                + type
                + ": its guest writes past every filter, so it"
                + " cannot be backed up live (leave it out with --exclude "
                + name
                + ")");
      }
    } catch (QmpCommandException noSuchObject) {
      throw JobException.failed(
          "disk '" + name + "': what kind of device it is cannot be told", noSuchObject);
    }
  }

  /** The first node under a device that is not a filter. */
  static BlockNode beneathFilters(
      BlockGraph graph, List<BlockNode> nodes, BlockDevice device, String name)
      throws JobException {
    BlockNode node = Objects.requireNonNull(device.inserted());
    for (int depth = 0; depth < FILTERS_MAX; depth++) {
      String nodeName = node.nodeName();
      BlockNode named =
          nodes.stream()
              .filter(n -> n.nodeName().equals(nodeName))
              .findFirst()
              .orElseThrow(
                  () -> JobException.failed("disk '" + name + "': QEMU does not list its node"));
      if (!FILTERS.contains(named.driver())) {
        return named;
      }
      String child =
          graph
              .child(nodeName, "file")
              .or(() -> graph.child(nodeName, "backing"))
              .orElseThrow(
                  () -> JobException.failed("disk '" + name + "' has a filter without a child"));
      node =
          nodes.stream()
              .filter(n -> n.nodeName().equals(child))
              .findFirst()
              .orElseThrow(
                  () -> JobException.failed("disk '" + name + "': QEMU does not list " + child));
    }
    throw JobException.failed("disk '" + name + "' has more than " + FILTERS_MAX + " filters");
  }
}
