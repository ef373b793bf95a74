package io.nbdvault.engine.backup;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.qemu.RunningVm;
import io.nbdvault.engine.qemu.StoppedVm;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupSource;
import io.nbdvault.engine.source.NbdSource;
import io.nbdvault.engine.source.SourceContext;
import java.io.IOException;

/** Opens the source that a request names. */
final class SourceOpener {
  private SourceOpener() {}

  static BackupSource open(BackupRequest request, SourceContext context)
      throws JobException, IOException, InterruptedException {
    check(request);
    if (request.source() instanceof BackupRequest.RunningQemu running) {
      return RunningVm.open(running.qmpSocket(), request, context);
    }
    if (request.source() instanceof BackupRequest.StoppedImages stopped) {
      return StoppedVm.open(stopped.images(), request, context);
    }
    if (request.source() instanceof BackupRequest.NbdExports exports) {
      return NbdSource.open(exports.exports(), request, context);
    }
    throw new IllegalStateException("unknown source " + request.source());
  }

  /** An option that a source has no use for would be a promise not kept. */
  private static void check(BackupRequest request) throws JobException {
    boolean running = request.source() instanceof BackupRequest.RunningQemu;
    boolean nbd = request.source() instanceof BackupRequest.NbdExports;
    if (!running && request.guestAgent().isPresent()) {
      throw JobException.badRequest(
          "--guest-agent goes with --qmp: only a running VM has an agent");
    }
    if (!running && request.freeze() == BackupRequest.Freeze.REQUIRE) {
      throw JobException.badRequest("--freeze require goes with --qmp and --guest-agent");
    }
    if (nbd && request.rateLimitBytesPerSecond().isPresent()) {
      throw JobException.badRequest("--rate-limit goes with --qmp or --image: QEMU keeps it");
    }
    if (nbd && request.scratch().isPresent()) {
      throw JobException.badRequest("--scratch goes with --qmp or --image");
    }
  }
}
