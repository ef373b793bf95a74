package io.nbdvault.engine.qemu;

import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.qemu.MirrorRun.Move;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.JobInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Has QEMU put the new files in the place of disks that are the same by now. QEMU flushes a file
 * before the guest gets it, so nothing that was ever written is only on the old disk. A run that
 * has come here is not cancelled any more: it would be as quick to wait.
 */
final class MirrorSwitch {
  private static final long POLL_MILLIS = 10;

  private final BlockCommands qemu;
  private final MirrorCleaner cleaner;
  private final EngineLimits limits;
  private final JobListener listener;

  MirrorSwitch(
      BlockCommands qemu, MirrorCleaner cleaner, EngineLimits limits, JobListener listener) {
    this.qemu = qemu;
    this.cleaner = cleaner;
    this.limits = limits;
    this.listener = listener;
  }

  /**
   * Switches all, each for itself. Afterwards the marks beside the files are gone, and the files of
   * those that failed.
   */
  void run(List<Move> moves) throws JobException, QmpException, InterruptedException {
    listener.onEvent(new JobEvent.PhaseProgress("switch", 0, moves.size(), false));
    for (Move move : moves) {
      move.file().switching();
    }
    for (Move move : moves) {
      complete(move);
    }
    Map<String, JobInfo> ended = awaitEnd(moves);
    List<String> failed = new ArrayList<>();
    for (Move move : moves) {
      String error = Objects.requireNonNull(ended.get(move.job())).error();
      if (error == null) {
        keep(move);
      } else {
        failed.add("disk '" + move.disk().name() + "' was not moved: " + error);
        undo(move);
      }
    }
    if (!failed.isEmpty()) {
      throw new JobException(
          failed.size() < moves.size() ? JobException.Kind.PARTIAL : JobException.Kind.FAILED,
          String.join("; ", failed) + "; the VM goes on with it as it was");
    }
  }

  /** A job that cannot complete has failed just now, or is made to: its end tells. */
  private void complete(Move move) throws QmpException {
    try {
      qemu.jobComplete(move.job());
    } catch (QmpCommandException refused) {
      try {
        qemu.mirrorCancel(move.job());
      } catch (QmpCommandException hasEnded) {
        refused.addSuppressed(hasEnded);
      }
    }
  }

  private Map<String, JobInfo> awaitEnd(List<Move> moves)
      throws JobException, QmpException, InterruptedException {
    long deadline = System.nanoTime() + limits.teardownTimeout().toNanos();
    Map<String, JobInfo> ended = new HashMap<>();
    while (true) {
      for (JobInfo job : qemu.queryJobs()) {
        if (job.status().equals("concluded")) {
          ended.put(job.id(), job);
        }
      }
      if (moves.stream().allMatch(move -> ended.containsKey(move.job()))) {
        return ended;
      }
      if (System.nanoTime() - deadline > 0) {
        throw JobException.failed(
            "QEMU did not switch to the new files within "
                + limits.teardownTimeout().toSeconds()
                + " s");
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private void keep(Move move) throws JobException, QmpException {
    qemu.jobDismiss(move.job());
    proveMoved(move);
    // Only then the mark: it tells a later run which nodes these are.
    List<String> left = cleaner.removeUnused(move.disk().nodes());
    move.file().completed();
    if (!left.isEmpty()) {
      listener.onEvent(
          new JobEvent.Warning(
              "disk '"
                  + move.disk().name()
                  + "' does not need these block nodes any more, but QEMU keeps them: "
                  + String.join(", ", left)));
    }
    listener.onEvent(
        new JobEvent.Restored(
            move.disk().name(),
            move.target().path().toString(),
            move.disk().sizeBytes(),
            move.target().dataBytes()));
    if (!move.disk().files().isEmpty()) {
      listener.onEvent(
          new JobEvent.Warning(
              "from now on disk '"
                  + move.disk().name()
                  + "' is "
                  + move.target().path()
                  + ": start the VM with that the next time, and not with "
                  + String.join(", ", move.disk().files())));
    }
  }

  private void proveMoved(Move move) throws JobException, QmpException {
    boolean moved =
        ServedDisk.query(qemu).stream()
            .anyMatch(
                disk ->
                    disk.name().equals(move.disk().name())
                        && disk.nodeName().equals(move.node())
                        && !disk.needsServer());
    if (!moved) {
      throw JobException.failed(
          "QEMU says that disk '"
              + move.disk().name()
              + "' was moved to "
              + move.target().path()
              + ", but the disk is not on that file");
    }
  }

  /** QEMU would not let go of the node if the disk were on it. */
  private void undo(Move move) throws JobException, QmpException {
    qemu.jobDismiss(move.job());
    qemu.blockdevDel(move.node());
    move.file().remove();
  }
}
