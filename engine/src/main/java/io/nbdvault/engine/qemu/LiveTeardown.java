package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Puts a QEMU back as it was before a live backup: thaws, takes out everything of ours, removes the
 * checkpoint that does not count and the scratch files. Safe at any stage, after any failure, and
 * over a new session where ours was lost while QEMU lives.
 */
final class LiveTeardown {
  private final QemuConnection qemu;
  private final LiveBackup.Machine machine;
  private final SourceContext context;
  private final RunNames names;
  private final GuestFreeze freeze;
  private final QemuCleaner cleaner;

  /** Whether QEMU no longer uses our overlays, so that their files can go. */
  private boolean overlaysGone;

  LiveTeardown(
      QemuConnection qemu,
      LiveBackup.Machine machine,
      SourceContext context,
      RunNames names,
      GuestFreeze freeze) {
    this.qemu = qemu;
    this.machine = machine;
    this.context = context;
    this.names = names;
    this.freeze = freeze;
    this.cleaner = cleanerOf(qemu.commands());
  }

  /** What takes everything of ours out of QEMU, over the run's own session. */
  QemuCleaner cleaner() {
    return cleaner;
  }

  private QemuCleaner cleanerOf(BlockCommands commands) {
    return new QemuCleaner(
        commands, machine.hasGuest(), context.limits().teardownTimeout(), withoutRemovals());
  }

  /** That a run takes away what it made itself is no news. */
  private JobListener withoutRemovals() {
    return event -> {
      if (!(event instanceof JobEvent.Removed)) {
        context.listener().onEvent(event);
      }
    };
  }

  /**
   * Puts everything back. Each step is taken whatever the others do.
   *
   * @param committed whether the run's own checkpoint counts, or the previous one
   * @throws JobException the first failure, with the others suppressed
   */
  void run(Optional<GuestWatch> watch, List<ScratchFile> scratch, boolean committed)
      throws JobException {
    JobException failure = null;
    for (Step step :
        List.<Step>of(
            () -> putQemuBack(committed),
            () -> watch.ifPresent(GuestWatch::close),
            () -> removeFiles(scratch))) {
      JobException failed = attempt(step);
      if (failure == null) {
        failure = failed;
      } else if (failed != null) {
        failure.addSuppressed(failed);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** A part of putting the VM back. */
  private interface Step {
    void run() throws JobException, QmpException, InterruptedException;
  }

  private static @Nullable JobException attempt(Step step) {
    try {
      step.run();
      return null;
    } catch (JobException e) {
      return e;
    } catch (QmpException e) {
      return JobException.failed("the VM could not be put back as it was", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new JobException(
          JobException.Kind.CANCELLED, "interrupted while putting the VM back as it was", e);
    }
  }

  /** Where QEMU is gone, all that was in it is gone too. */
  private void putQemuBack(boolean committed)
      throws JobException, QmpException, InterruptedException {
    try {
      if (qemu.client().isOpen()) {
        putBackWith(qemu.commands(), cleaner, committed);
        return;
      }
    } catch (QmpException e) {
      if (qemu.client().isOpen()) {
        throw e;
      }
    }
    if (qemu.isQemuGone()) {
      overlaysGone = true;
      DeadSockets.remove(qemu.socketDirectory(), event -> {});
      return;
    }
    putBackOverNewSession(committed);
  }

  private void putBackOverNewSession(boolean committed) throws JobException, InterruptedException {
    try (QmpClient again = qemu.reconnect()) {
      BlockCommands commands = new BlockCommands(again);
      putBackWith(commands, cleanerOf(commands), committed);
    } catch (QmpException e) {
      if (!qemu.isQemuGone()) {
        throw JobException.failed(
            "QEMU no longer answers, and what this run made is still in it: run nbdvault cleanup"
                + " --qmp as soon as it does",
            e);
      }
      overlaysGone = true;
    }
  }

  private void putBackWith(BlockCommands commands, QemuCleaner with, boolean committed)
      throws JobException, QmpException, InterruptedException {
    try {
      var unused = freeze.thaw(commands);
    } finally {
      try {
        with.removeAllButBitmaps(qemu.socketDirectory());
        overlaysGone = true;
      } finally {
        with.removeBitmaps((node, bitmap) -> isStale(node, bitmap, committed));
      }
    }
  }

  /** Never the files of overlays that QEMU may still be writing to. */
  private void removeFiles(List<ScratchFile> scratch) throws JobException {
    if (overlaysGone) {
      for (ScratchFile file : scratch) {
        file.remove();
      }
    }
  }

  private boolean isStale(String node, String bitmap, boolean committed) {
    BitmapRule rule = BitmapRule.of(context, machine.disks());
    return committed
        ? rule.isStaleAfter(names.checkpointBitmap(), node, bitmap)
        : rule.isStale(node, bitmap);
  }
}
