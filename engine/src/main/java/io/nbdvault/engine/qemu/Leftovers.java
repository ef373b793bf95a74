package io.nbdvault.engine.qemu;

import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.qmp.QmpException;
import java.nio.file.Path;
import java.util.Optional;

/** What killed runs left in a running QEMU, without a repository to ask. */
public final class Leftovers {
  private Leftovers() {}

  /**
   * Removes all of it but checkpoints; those too with {@code checkpoints}. An export's bitmap is
   * only of use to the run that made it, so under the VM's lock it is stale, whoever's it is.
   */
  public static void remove(
      Path socket,
      boolean checkpoints,
      Optional<Path> agentSocket,
      EngineLimits limits,
      JobListener listener)
      throws JobException, InterruptedException {
    try (QemuConnection qemu = QemuConnection.open(socket)) {
      QemuCleaner cleaner = qemu.cleaner(true, limits, listener);
      cleaner.removeAllButBitmaps(qemu.socketDirectory());
      DeadSockets.remove(qemu.socketDirectory(), listener);
      boolean thawed =
          GuestFreeze.thawLeftover(cleaner, qemu.commands(), agentSocket, limits, listener);
      cleaner.removeBitmaps(
          (node, bitmap) ->
              RunNames.isExportBitmap(bitmap) || (checkpoints && RunNames.isCheckpoint(bitmap)));
      if (!thawed) {
        throw new JobException(
            JobException.Kind.PARTIAL,
            "the guest's filesystems may still be frozen: name its agent with --guest-agent");
      }
    } catch (QmpException e) {
      throw JobException.failed("QEMU cannot be cleaned up", e);
    }
  }
}
