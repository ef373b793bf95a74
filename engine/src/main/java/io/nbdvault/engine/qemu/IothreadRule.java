package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.engine.JobException;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpGreeting;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockDevice;

/**
 * Refuses disks whose I/O runs in an iothread. On QEMU 7.2 an NBD client's disconnect from an
 * export of such a disk aborts the whole VM. The locking behind it was taken out of QEMU for 9.0;
 * from there on it is not known to fail, but was not tried either, so the user must ask for it.
 *
 * @param knownToAbort whether this QEMU is one that dies
 * @param force whether the user accepts an untried QEMU
 */
record IothreadRule(boolean knownToAbort, boolean force, String version) {
  private static final int MAJOR_UNTRIED = 9;

  static IothreadRule of(QmpGreeting greeting, boolean force) {
    return new IothreadRule(
        greeting.major() < MAJOR_UNTRIED, force, greeting.major() + "." + greeting.minor());
  }

  /** Throws when backing up this disk could kill the guest. */
  void check(BlockCommands qemu, BlockDevice device, String name)
      throws QmpException, JobException {
    String qdev = device.qdev();
    if (qdev == null) {
      return;
    }
    String path = qdev.startsWith("/") ? qdev : "/machine/peripheral/" + qdev;
    if (!usesIothread(qemu, path)) {
      return;
    }
    if (knownToAbort) {
      throw JobException.failed(
          "disk '"
              + name
              + "' has an iothread, and QEMU "
              + version
              + " aborts when such a disk is exported: leave it out with --exclude "
              + name
              + ", or run the VM without iothread");
    }
    if (!force) {
      throw JobException.failed(
          "disk '"
              + name
              + "' has an iothread, which is untried on QEMU "
              + version
              + " and aborts older ones: leave it out with --exclude "
              + name
              + ", or accept the risk with --force");
    }
  }

  /** The device itself, or the controller that it hangs on. */
  private static boolean usesIothread(BlockCommands qemu, String path) throws QmpException {
    return hasIothread(qemu, withoutBackend(path)) || hasIothread(qemu, controllerOf(qemu, path));
  }

  /** A virtio-blk disk is named by its backend, and the property is on the device above. */
  private static String withoutBackend(String path) {
    String backend = "/virtio-backend";
    return path.endsWith(backend) ? path.substring(0, path.length() - backend.length()) : path;
  }

  /** A SCSI disk's bus is {@code CONTROLLER/virtio-backend/NAME.0}. */
  private static String controllerOf(BlockCommands qemu, String path) throws QmpException {
    String bus = text(qemu, path, "parent_bus");
    int end = bus.lastIndexOf('/');
    return end <= 0 ? "" : withoutBackend(bus.substring(0, end));
  }

  private static boolean hasIothread(BlockCommands qemu, String path) throws QmpException {
    return !path.isEmpty()
        && (!text(qemu, path, "iothread").isEmpty()
            || !text(qemu, path, "iothread-vq-mapping").isEmpty());
  }

  /** A property as text; empty where the object has no such property. */
  private static String text(BlockCommands qemu, String path, String property) throws QmpException {
    try {
      JsonNode value = qemu.qomGet(path, property);
      return value.isArray() ? (value.isEmpty() ? "" : value.toString()) : value.asText("");
    } catch (QmpCommandException noSuchProperty) {
      return "";
    }
  }
}
