package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupSource;
import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpGreeting;
import io.nbdvault.qmp.block.BlockCommands;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The disks of a running QEMU, by its QMP socket. */
public final class RunningVm {
  /** Without these there is no instant of several disks, or no export of a disk's bitmap. */
  private static final List<List<String>> NEEDED =
      List.of(
          List.of("blockdev-backup", "filter-node-name"),
          List.of("block-export-add", "bitmaps"),
          List.of("block-dirty-bitmap-merge", "bitmaps"));

  private static final List<String> CONFIGURATION =
      List.of("query-name", "query-block", "query-cpus-fast", "query-memory-size-summary");

  private RunningVm() {}

  /**
   * Connects, removes what killed runs left, and takes the instant.
   *
   * @throws JobException when the VM cannot be backed up; then nothing but leftovers has changed
   */
  public static BackupSource open(Path socket, BackupRequest request, SourceContext context)
      throws JobException, InterruptedException {
    QemuConnection qemu = QemuConnection.open(socket);
    boolean opened = false;
    try {
      BackupSource source = begin(qemu, request, context);
      opened = true;
      return source;
    } catch (QmpException e) {
      throw JobException.failed("the backup cannot begin", e);
    } finally {
      if (!opened) {
        qemu.close();
      }
    }
  }

  private static LiveBackup begin(QemuConnection qemu, BackupRequest request, SourceContext context)
      throws JobException, QmpException, InterruptedException {
    BlockCommands commands = qemu.commands();
    checkFeatures(commands, qemu.client().greeting());
    Optional<String> uuid = commands.queryUuid();
    checkUuid(uuid, request, context);
    IothreadRule iothreads = IothreadRule.of(qemu.client().greeting(), request.force());
    // Asked before anything is changed, and again when leftovers are out of the way.
    var unused = DiskInventory.query(commands, request, qemu.workingDirectory(), iothreads);
    QemuCleaner cleaner = qemu.cleaner(true, context.limits(), context.listener());
    cleaner.removeAllButBitmaps(qemu.socketDirectory());
    DeadSockets.remove(qemu.socketDirectory(), context.listener());
    boolean thawed =
        GuestFreeze.thawLeftover(
            cleaner, commands, request.guestAgent(), context.limits(), context.listener());
    if (!thawed) {
      context
          .listener()
          .onEvent(
              new JobEvent.Warning(
                  "an earlier run may have left the guest's filesystems frozen: give --guest-agent"
                      + " to have them thawed"));
    }
    DiskInventory inventory =
        DiskInventory.query(commands, request, qemu.workingDirectory(), iothreads);
    cleaner.removeBitmaps(BitmapRule.of(context, inventory.disks())::isStale);
    inventory = DiskInventory.query(commands, request, qemu.workingDirectory(), iothreads);
    LiveBackup.Machine machine =
        new LiveBackup.Machine(
            true,
            inventory.disks(),
            inventory.skipped(),
            uuid,
            Optional.of(versionOf(qemu.client().greeting())),
            Optional.of(configuration(qemu).toString()));
    return LiveBackup.begin(qemu, machine, request, context, qemu::close);
  }

  static String versionOf(QmpGreeting greeting) {
    return greeting.major() + "." + greeting.minor() + "." + greeting.micro();
  }

  private static void checkFeatures(BlockCommands commands, QmpGreeting greeting)
      throws JobException, QmpException {
    for (List<String> needed : NEEDED) {
      if (!commands.takes(needed.get(0), needed.get(1), 5, 2)) {
        throw JobException.failed(
            "QEMU "
                + versionOf(greeting)
                + " has no '"
                + needed.get(1)
                + "' in "
                + needed.get(0)
                + ": version 5.2 or newer is needed");
      }
    }
  }

  private static void checkUuid(Optional<String> uuid, BackupRequest request, SourceContext context)
      throws JobException {
    Optional<String> recorded = context.history().latest().flatMap(SnapshotRecord::vmUuid);
    if (recorded.isPresent() && uuid.isPresent() && !recorded.equals(uuid) && !request.force()) {
      throw JobException.failed(
          "VM '"
              + request.vm()
              + "' has the UUID "
              + recorded.get()
              + " in this repository and this"
              + " QEMU's is "
              + uuid.get()
              + ": choose another name, or accept it with --force");
    }
  }

  /** What QMP reports of the machine, for whoever has to build it again. */
  private static ObjectNode configuration(QemuConnection qemu) throws QmpException {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    for (String command : CONFIGURATION) {
      try {
        all.set(command, qemu.client().execute(command));
      } catch (QmpCommandException notInThisQemu) {
        all.putNull(command);
      }
    }
    return all;
  }
}
