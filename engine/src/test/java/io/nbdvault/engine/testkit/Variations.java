package io.nbdvault.engine.testkit;

import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.source.BackupRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/** A request or limits with one thing changed. */
public final class Variations {
  private Variations() {}

  /** Reads at most this many bytes a second. */
  public static BackupRequest rateLimited(BackupRequest request, long bytesPerSecond) {
    return new BackupRequest(
        request.vm(),
        request.source(),
        request.disks(),
        request.exclude(),
        request.full(),
        request.tags(),
        request.force(),
        request.scratch(),
        request.guestAgent(),
        request.freeze(),
        OptionalLong.of(bytesPerSecond));
  }

  /** Freezes the guest's filesystems through an agent. */
  public static BackupRequest frozen(
      BackupRequest request, Path guestAgent, BackupRequest.Freeze freeze) {
    return new BackupRequest(
        request.vm(),
        request.source(),
        request.disks(),
        request.exclude(),
        request.full(),
        request.tags(),
        request.force(),
        request.scratch(),
        Optional.of(guestAgent),
        freeze,
        request.rateLimitBytesPerSecond());
  }

  /** Gives the guest agent less time. */
  public static EngineLimits agentDeadlines(EngineLimits limits, Duration freeze, Duration thaw) {
    return new EngineLimits(
        limits.budgetBytes(),
        limits.requestBytesMax(),
        limits.connections(),
        limits.extentWindowBytes(),
        limits.pendingRunsMax(),
        limits.workers(),
        limits.scratchFreeBytesMin(),
        limits.scratchPollInterval(),
        limits.teardownTimeout(),
        freeze,
        thaw);
  }
}
