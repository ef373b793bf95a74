package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockGraph;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.block.JobInfo;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Ends moves of disks that are under way in a QEMU, whoever began them: the VM's lock must be held.
 * A disk that has not been switched stays where it was, and its target goes; one that has been
 * switched keeps its target, and what it was on goes. The marks beside the targets tell which nodes
 * and files these are: a disk that was moved long ago has none, and is not touched.
 */
final class MirrorCleaner {
  private final BlockCommands qemu;
  private final Duration timeout;
  private final JobListener listener;

  MirrorCleaner(BlockCommands qemu, Duration timeout, JobListener listener) {
    this.qemu = qemu;
    this.timeout = timeout;
    this.listener = listener;
  }

  /** Ends all of them. */
  void end() throws QmpException, JobException, InterruptedException {
    Set<String> failed = endJobs();
    for (BlockNode node : qemu.queryNamedBlockNodes()) {
      if (RunNames.hasRole(node.nodeName(), RunNames.Role.DISK_FILE)) {
        Path path = Path.of(node.file());
        Optional<MirrorTarget> target =
            path.isAbsolute() ? MirrorTarget.find(path) : Optional.empty();
        if (target.isPresent()) {
          String job = RunNames.beside(node.nodeName(), RunNames.Role.MIRROR);
          boolean neverUsed = failed.contains(job) || !target.get().isSwitching();
          settle(RunNames.beside(node.nodeName(), RunNames.Role.DISK), target.get(), neverUsed);
        }
      }
    }
  }

  /**
   * Cancelled without a last effort; what has completed by itself is only forgotten.
   *
   * @return those that have ended without a switch
   */
  private Set<String> endJobs() throws QmpException, JobException, InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    Set<String> cancelled = new HashSet<>();
    Set<String> failed = new HashSet<>();
    for (List<JobInfo> jobs = ourJobs(); !jobs.isEmpty(); jobs = ourJobs()) {
      for (JobInfo job : jobs) {
        if (job.status().equals("concluded")) {
          if (job.error() != null) {
            failed.add(job.id());
          }
          qemu.jobDismiss(job.id());
          listener.onEvent(new JobEvent.Removed("job", job.id()));
        } else if (!cancelled.contains(job.id()) && cancel(job.id())) {
          cancelled.add(job.id());
        }
      }
      if (System.nanoTime() - deadline > 0) {
        throw JobException.failed(
            "QEMU did not end its copying within "
                + timeout.toSeconds()
                + " s, perhaps because its NBD server does not answer: run nbdvault cleanup --qmp"
                + " as soon as it does");
      }
      Thread.sleep(10);
    }
    return failed;
  }

  /** False in a state in which a job cannot be cancelled; the next one may be another. */
  private boolean cancel(String job) throws QmpException {
    try {
      qemu.mirrorCancel(job);
      return true;
    } catch (QmpCommandException notInThisState) {
      return false;
    }
  }

  private List<JobInfo> ourJobs() throws QmpException {
    return qemu.queryJobs().stream()
        .filter(job -> RunNames.hasRole(job.id(), RunNames.Role.MIRROR))
        .toList();
  }

  /**
   * Keeps a new node or removes it.
   *
   * @param neverUsed whether it is certain that QEMU has not switched to it
   */
  private void settle(String node, MirrorTarget target, boolean neverUsed)
      throws QmpException, JobException, InterruptedException {
    boolean used = isStillUsed(node);
    if (used && neverUsed) {
      throw JobException.failed(
          target.path() + " is not complete and " + node + " is in use: who uses it?");
    }
    if (used) {
      var left = removeUnused(target.oldNodes());
      target.completed();
      tell(
          "a disk had been moved to "
              + target.path()
              + " by a run that was killed before it could say so: it is complete"
              + (left.isEmpty() ? "" : ", and QEMU keeps these nodes: " + String.join(", ", left)));
      return;
    }
    qemu.blockdevDel(node);
    listener.onEvent(new JobEvent.Removed("node", node));
    if (neverUsed) {
      target.remove();
      listener.onEvent(new JobEvent.Removed("incomplete image", target.path().toString()));
    } else {
      tell(
          target.path()
              + " was not removed: a run was killed while a disk was being switched to it, and no"
              + " disk of this VM is on it now");
    }
  }

  private void tell(String warning) {
    listener.onEvent(new JobEvent.Warning(warning));
  }

  /** A node may still be referred to for a moment after its job has gone. */
  private boolean isStillUsed(String node) throws QmpException, InterruptedException {
    for (int attempt = 0; attempt < 50; attempt++) {
      if (!qemu.queryBlockGraph().isUsed(node)) {
        return false;
      }
      Thread.sleep(10);
    }
    return true;
  }

  /**
   * Removes those of a disk's old nodes that nothing uses any more. One that QEMU made along with
   * another goes with that.
   *
   * @return those that QEMU keeps
   */
  List<String> removeUnused(List<String> nodes) throws QmpException {
    List<String> left = new ArrayList<>(nodes);
    // Each pass takes away what lay on the rest: no chain has more links than nodes.
    for (int pass = 0; pass <= nodes.size(); pass++) {
      BlockGraph graph = qemu.queryBlockGraph();
      left.removeIf(node -> graph.withDescendants(node).isEmpty());
      for (String node : left) {
        if (!graph.isUsed(node)) {
          removeIfAllowed(node);
        }
      }
    }
    return List.copyOf(left);
  }

  private void removeIfAllowed(String node) throws QmpException {
    try {
      qemu.blockdevDel(node);
    } catch (QmpCommandException notBlockdevAdds) {
      // It belongs to something else, as a -drive; that is told as what QEMU keeps.
      return;
    }
  }
}
