package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpEvent;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpSubscription;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockJob;
import io.nbdvault.qmp.block.BlockdevMirror;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Copies disks to their new files until all are the same, and has QEMU switch to those. A failure
 * before that takes everything back; {@link MirrorSwitch} does the rest.
 */
final class MirrorRun {
  private static final long POLL_MILLIS = 100;

  private final QemuConnection qemu;
  private final RunNames names;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;
  private final List<Move> moves = new ArrayList<>();

  /** What a job failed at, {@code read} or {@code write}, by its id. */
  private final Map<String, String> failedOperations = new ConcurrentHashMap<>();

  /**
   * The move of one disk.
   *
   * @param disk as it was before
   * @param job id of its job
   * @param node name of its new node
   */
  record Move(
      ServedDisk disk, LiveRestore.Target target, MirrorTarget file, String job, String node) {}

  MirrorRun(
      QemuConnection qemu,
      RunNames names,
      EngineLimits limits,
      Cancellation cancellation,
      JobListener listener) {
    this.qemu = qemu;
    this.names = names;
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = listener;
  }

  /**
   * Moves disks.
   *
   * @param targets as many as disks, in their order
   */
  void run(List<ServedDisk> disks, List<LiveRestore.Target> targets)
      throws JobException, InterruptedException {
    QmpSubscription subscription = qemu.client().onEvent(this::onEvent);
    try {
      for (int index = 0; index < disks.size(); index++) {
        begin(index, disks.get(index), targets.get(index));
      }
      awaitReady();
      cancellation.check();
      new MirrorSwitch(qemu.commands(), cleaner(qemu.commands()), limits, listener).run(moves);
    } catch (QmpException e) {
      JobException failure =
          qemu.client().isOpen()
              ? JobException.failed("the disks cannot be moved", e)
              : new JobException(JobException.Kind.FAILED, GuestWatch.QEMU_ENDED, e);
      putBackAfter(failure);
      throw failure;
    } catch (JobException | InterruptedException | RuntimeException | Error e) {
      putBackAfter(e);
      throw e;
    } finally {
      subscription.close();
    }
  }

  private void onEvent(QmpEvent event) {
    if (event.name().equals("BLOCK_JOB_ERROR")) {
      failedOperations.putIfAbsent(
          event.data().path("device").asText(), event.data().path("operation").asText());
    }
  }

  private void begin(int index, ServedDisk disk, LiveRestore.Target target)
      throws JobException, QmpException, InterruptedException {
    cancellation.check();
    MirrorTarget file =
        MirrorTarget.create(
            target.path(), target.format(), disk.sizeBytes(), disk.nodes(), qemu.owner());
    String job = names.of(RunNames.Role.MIRROR, index);
    String node = names.of(RunNames.Role.DISK, index);
    moves.add(new Move(disk, target, file, job, node));
    qemu.commands().blockdevAdd(newNode(index, target));
    qemu.commands()
        .blockdevMirror(
            new BlockdevMirror(
                job, disk.nodeName(), node, names.of(RunNames.Role.MIRROR_FILTER, index)));
    listener.onEvent(
        new JobEvent.DiskStarted(disk.name(), disk.sizeBytes(), false, Optional.empty()));
  }

  /** Unmapping, so that what is zero takes no room. */
  private ObjectNode newNode(int index, LiveRestore.Target target) {
    ObjectNode node =
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", target.format())
            .put("node-name", names.of(RunNames.Role.DISK, index))
            .put("discard", "unmap");
    node.putObject("file")
        .put("driver", "file")
        .put("node-name", names.of(RunNames.Role.DISK_FILE, index))
        .put("filename", target.path().toString())
        .put("discard", "unmap");
    return node;
  }

  /** Waits until every disk is the same as its new file, and stays so whatever the guest writes. */
  private void awaitReady() throws JobException, QmpException, InterruptedException {
    while (true) {
      cancellation.check();
      List<BlockJob> jobs = qemu.commands().queryBlockJobs();
      long done = 0;
      long expected = 0;
      boolean ready = true;
      for (Move move : moves) {
        BlockJob job = healthy(jobs, move);
        done += job.offsetBytes();
        expected += job.lengthBytes();
        ready &= job.ready();
      }
      listener.onEvent(new JobEvent.PhaseProgress("mirror", done, Math.max(done, expected), true));
      if (ready) {
        return;
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private BlockJob healthy(List<BlockJob> jobs, Move move)
      throws JobException, InterruptedException {
    Optional<BlockJob> found = jobs.stream().filter(j -> j.id().equals(move.job())).findFirst();
    if (found.isEmpty()) {
      throw notMoved(move, "its job is gone");
    }
    BlockJob job = found.get();
    String error = job.error();
    if (error != null) {
      throw notMoved(move, failedOperation(move) + error);
    }
    if (job.status().equals("concluded") || job.status().equals("aborting")) {
      throw notMoved(move, "its job has ended");
    }
    return job;
  }

  /** QEMU tells it before the job ends, but in an event, which takes another way through here. */
  private String failedOperation(Move move) throws InterruptedException {
    for (int attempt = 0; attempt < 20 && !failedOperations.containsKey(move.job()); attempt++) {
      Thread.sleep(10);
    }
    return switch (failedOperations.getOrDefault(move.job(), "")) {
      case "read" -> "reading from its NBD server: ";
      case "write" -> "writing " + move.target().path() + ": ";
      // As when QEMU asks the server what is allocated.
      default -> "copying it from its NBD server to " + move.target().path() + ": ";
    };
  }

  private static JobException notMoved(Move move, String why) {
    return JobException.failed(
        "disk '"
            + move.disk().name()
            + "' was not moved: "
            + why
            + "; the VM goes on with it as it was");
  }

  private MirrorCleaner cleaner(BlockCommands commands) {
    return new MirrorCleaner(
        commands,
        limits.teardownTimeout(),
        event -> {
          if (!(event instanceof JobEvent.Removed)) { // That a run removes what it made is no news.
            listener.onEvent(event);
          }
        });
  }

  /** The failure stays what is reported; that putting back failed too is told beside it. */
  private void putBackAfter(Throwable failure) {
    try {
      putBack();
    } catch (JobException | QmpException e) {
      failure.addSuppressed(e);
      listener.onEvent(new JobEvent.Warning(JobException.sentence(e)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failure.addSuppressed(e);
    }
  }

  /** Over a new session where ours was lost while QEMU lives. */
  private void putBack() throws JobException, QmpException, InterruptedException {
    if (qemu.client().isOpen()) {
      cleaner(qemu.commands()).end();
    } else if (!qemu.isQemuGone()) {
      try (QmpClient again = qemu.reconnect()) {
        cleaner(new BlockCommands(again)).end();
      }
    }
    for (Move move : moves) {
      if (move.file().isSwitching()) {
        tellUndecided(move);
      } else {
        move.file().remove();
      }
    }
  }

  /** Asked again of the file's mark, which the cleaner may have taken away. */
  private void tellUndecided(Move move) throws JobException {
    if (MirrorTarget.isUndecided(move.target().path())) {
      listener.onEvent(
          new JobEvent.Warning(
              "disk '"
                  + move.disk().name()
                  + "' was being switched to "
                  + move.target().path()
                  + " when QEMU ended: of that file and what the disk was on before, the one that"
                  + " was written last has the guest's last writes"));
    }
  }
}
