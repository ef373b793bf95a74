package io.nbdvault.engine.qemu;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpGreeting;
import io.nbdvault.qmp.block.BlockCommands;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Moves disks of a running VM from an NBD server to local files, while the guest goes on. Each disk
 * is mirrored ({@link MirrorRun}); until all have been copied nothing has changed for the guest,
 * and then each is switched at one instant, after which it does not need the server.
 *
 * <p>What can die: until the switch, the guest stays on the disk as it was, and what was copied is
 * removed, by this run or the next. QEMU switches a disk by itself once it is told to, so from then
 * on it does not matter who is killed; {@link MirrorTarget} has what tells afterwards which of the
 * two counts.
 */
public final class LiveRestore implements AutoCloseable {
  private final QemuConnection qemu;
  private final MirrorRun run;
  private final JobListener listener;

  /**
   * Where a disk goes.
   *
   * @param disk its name
   * @param dataBytes how much of it is content
   * @param path absolute; nothing may be there
   * @param format {@code raw} or {@code qcow2}
   */
  public record Target(String disk, long dataBytes, Path path, String format) {}

  private LiveRestore(QemuConnection qemu, MirrorRun run, JobListener listener) {
    this.qemu = qemu;
    this.run = run;
    this.listener = listener;
  }

  /**
   * Connects, locks the VM, and ends what killed runs have left.
   *
   * @param repositoryId of the snapshot's repository, which stands in the names of what is made
   */
  public static LiveRestore open(
      Path socket,
      String repositoryId,
      EngineLimits limits,
      Cancellation cancellation,
      JobListener listener)
      throws JobException, InterruptedException {
    QemuConnection qemu = QemuConnection.open(socket);
    boolean opened = false;
    try {
      checkFeatures(qemu.commands(), qemu.client().greeting());
      qemu.cleaner(true, limits, listener).removeAllButBitmaps(qemu.socketDirectory());
      DeadSockets.remove(qemu.socketDirectory(), listener);
      opened = true;
      RunNames names = new RunNames(repositoryId, SnapshotId.random());
      MirrorRun run = new MirrorRun(qemu, names, limits, cancellation, listener);
      return new LiveRestore(qemu, run, listener);
    } catch (QmpException e) {
      throw JobException.failed("the restore cannot begin", e);
    } finally {
      if (!opened) {
        qemu.close();
      }
    }
  }

  private static void checkFeatures(BlockCommands commands, QmpGreeting greeting)
      throws JobException, QmpException {
    if (!commands.takes("blockdev-mirror", "copy-mode", 3, 0)
        || !commands.takes("blockdev-mirror", "auto-dismiss", 3, 1)) {
      throw JobException.failed(
          "QEMU "
              + RunningVm.versionOf(greeting)
              + " cannot move a disk to a file while the guest writes: version 5.2 or newer is"
              + " needed");
    }
  }

  /**
   * Chooses the disks that have to be moved, of those that are wanted. One that needs no server is
   * told as left out.
   *
   * @param sizes of the wanted disks in the snapshot, in bytes, by name
   * @throws JobException when the VM has no such disk, or it has another size
   */
  public List<String> choose(Map<String, Long> sizes) throws JobException {
    List<ServedDisk> disks = query();
    List<String> chosen = new ArrayList<>();
    for (Map.Entry<String, Long> wanted : sizes.entrySet()) {
      ServedDisk disk = named(disks, wanted.getKey());
      if (disk.sizeBytes() != wanted.getValue()) {
        throw JobException.failed(
            "disk '"
                + disk.name()
                + "' has "
                + disk.sizeBytes()
                + " bytes in the VM and "
                + wanted.getValue()
                + " in the snapshot: does the VM run on another one?");
      }
      if (disk.needsServer()) {
        chosen.add(disk.name());
      } else {
        listener.onEvent(
            new JobEvent.DiskSkipped(
                disk.name(), "already local: it reads from no NBD server" + onFiles(disk)));
      }
    }
    for (ServedDisk disk : disks) {
      if (disk.needsServer() && !sizes.containsKey(disk.name())) {
        listener.onEvent(
            new JobEvent.Warning(
                "disk '" + disk.name() + "' is not asked for and goes on needing an NBD server"));
      }
    }
    return List.copyOf(chosen);
  }

  private static String onFiles(ServedDisk disk) {
    return disk.files().isEmpty() ? "" : " but from " + String.join(", ", disk.files());
  }

  private static ServedDisk named(List<ServedDisk> disks, String name) throws JobException {
    return disks.stream()
        .filter(disk -> disk.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                JobException.badRequest(
                    "the VM has no disk '"
                        + name
                        + "' (it has: "
                        + String.join(", ", disks.stream().map(ServedDisk::name).toList())
                        + "): choose with --disk"));
  }

  private List<ServedDisk> query() throws JobException {
    try {
      return ServedDisk.query(qemu.commands());
    } catch (QmpException e) {
      throw JobException.failed("QEMU cannot say what its disks are", e);
    }
  }

  /**
   * Moves disks, once, and returns when all are on their files. Tells each of them as restored.
   *
   * @throws JobException when one could not be moved; of kind {@code PARTIAL} when others were
   */
  public void move(List<Target> targets) throws JobException, InterruptedException {
    if (targets.isEmpty()) {
      return;
    }
    List<ServedDisk> disks = query();
    List<ServedDisk> sources = new ArrayList<>();
    for (Target target : targets) {
      sources.add(named(disks, target.disk()));
    }
    run.run(sources, targets);
  }

  @Override
  public void close() throws JobException {
    qemu.close();
  }
}
