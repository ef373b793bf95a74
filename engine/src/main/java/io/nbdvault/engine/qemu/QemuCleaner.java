package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExport;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.block.DirtyBitmap;
import io.nbdvault.qmp.block.JobInfo;
import io.nbdvault.qmp.block.QomProperty;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BiPredicate;

/**
 * Takes everything of ours out of a QEMU, in the order in which it can go: jobs, moves of disks,
 * exports, the NBD server, throttle filters, overlays and their files, groups, bitmaps. It asks
 * QEMU what there is instead of remembering, so it serves the end of a run, what a killed run left,
 * and the cleanup command alike. The VM's lock must be held, which is what makes all of it stale.
 */
final class QemuCleaner {
  private final BlockCommands qemu;
  private final Duration timeout;
  private final JobListener listener;
  private final boolean hasGuest;
  private final MirrorCleaner mirrors;

  /**
   * @param hasGuest false for a storage daemon, which has no guest that could be paused
   */
  QemuCleaner(BlockCommands qemu, boolean hasGuest, Duration timeout, JobListener listener) {
    this.qemu = qemu;
    this.hasGuest = hasGuest;
    this.timeout = timeout;
    this.listener = listener;
    this.mirrors = new MirrorCleaner(qemu, timeout, listener);
  }

  /**
   * Removes everything but bitmaps and the mark of a freeze. Afterwards the guest writes straight
   * to its disks again.
   *
   * @param socketDirectory where our NBD sockets lie
   */
  void removeAllButBitmaps(Path socketDirectory)
      throws QmpException, JobException, InterruptedException {
    try {
      liftRateLimit();
    } finally {
      // Before all else: from here on nothing can go wrong with the guest's writes.
      boolean hadJobs = !ourJobs().isEmpty();
      cancelJobs();
      if (hadJobs && hasGuest) {
        continueAfterError();
      }
    }
    mirrors.end();
    removeExports();
    removeServer(socketDirectory);
    removeNodes(RunNames.Role.THROTTLE);
    removeOverlays();
    removeNodes(RunNames.Role.MARK);
    removeObjects(RunNames.Role.GROUP);
  }

  /** An export goes only when its reads are done, and under a limit those take their time. */
  private void liftRateLimit() throws QmpException {
    for (String group : objects(RunNames.Role.GROUP)) {
      qemu.qomSet(
          "/objects/" + group, "limits", JsonNodeFactory.instance.objectNode().put("bps-read", 0));
    }
  }

  private void removeExports() throws QmpException, JobException, InterruptedException {
    for (BlockExport export : ourExports()) {
      if (!export.shuttingDown()) {
        qemu.blockExportDel(export.id(), true);
      }
      removed("export", export.id());
    }
    await("exports", () -> ourExports().isEmpty());
  }

  private List<BlockExport> ourExports() throws QmpException {
    return qemu.queryBlockExports().stream().filter(e -> RunNames.isOurs(e.id())).toList();
  }

  /** A server has no name: it is ours when our marker stands beside it and nobody else uses it. */
  private void removeServer(Path socketDirectory) throws QmpException, JobException {
    if (!qemu.queryBlockExports().isEmpty()) {
      return; // The marker stays, too, and the server goes when the others have gone.
    }
    for (String marker : objects(RunNames.Role.SERVER)) {
      try {
        qemu.nbdServerStop();
        removed("NBD server", marker);
      } catch (QmpCommandException notRunning) {
        // The run died between its marker and its server.
        removed("marker of an NBD server", marker);
      }
      qemu.objectDel(marker);
      try {
        Files.deleteIfExists(socketDirectory.resolve(marker));
      } catch (IOException e) {
        throw JobException.failed("socket " + marker + " cannot be removed", e);
      }
    }
  }

  private void removeNodes(RunNames.Role role)
      throws QmpException, JobException, InterruptedException {
    for (BlockNode node : qemu.queryNamedBlockNodes()) {
      if (RunNames.hasRole(node.nodeName(), role)) {
        removeNode(node.nodeName());
        removed("node", node.nodeName());
      }
    }
  }

  /** A node may still be referred to for a moment after its export or job has gone. */
  private void removeNode(String nodeName) throws QmpException, JobException, InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (true) {
      try {
        qemu.blockdevDel(nodeName);
        return;
      } catch (QmpCommandException inUse) {
        if (System.nanoTime() - deadline > 0) {
          throw JobException.failed("node " + nodeName + " cannot be removed", inUse);
        }
        Thread.sleep(20);
      }
    }
  }

  /** Only an overlay's file node says plainly which file it uses. */
  private void removeOverlays() throws QmpException, JobException, InterruptedException {
    List<String> files =
        qemu.queryNamedBlockNodes().stream()
            .filter(node -> RunNames.hasRole(node.nodeName(), RunNames.Role.FILE))
            .map(BlockNode::file)
            .toList();
    removeNodes(RunNames.Role.SCRATCH);
    for (String file : files) {
      removeFile(file);
    }
  }

  private void removeFile(String file) throws JobException {
    Path path = Path.of(file);
    if (!path.isAbsolute() || !path.getFileName().toString().startsWith(".nbdvault-")) {
      throw JobException.failed(
          "an overlay of ours uses " + file + ", which is not a file of ours");
    }
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw JobException.failed("scratch file " + file + " cannot be removed", e);
    }
  }

  /** Ends our copy-before-write jobs; their filters go with them. */
  void cancelJobs() throws QmpException, JobException, InterruptedException {
    for (JobInfo job : ourJobs()) {
      if (job.status().equals("concluded")) {
        qemu.jobDismiss(job.id());
      } else {
        cancel(job);
      }
      removed("job", job.id());
    }
    await("jobs", () -> ourJobs().isEmpty());
  }

  /**
   * Continues a guest that QEMU paused for a failed write, now that our filters are gone: the write
   * is tried again. A guest that somebody else paused stays paused, and one whose own image has no
   * room is paused again by QEMU.
   */
  void continueAfterError() throws QmpException {
    if (qemu.queryStatus().status().equals("io-error")) {
      qemu.cont();
      listener.onEvent(new JobEvent.Warning("the guest was paused by a failed write: continued"));
    }
  }

  private void cancel(JobInfo job) throws QmpException {
    try {
      qemu.jobCancel(job.id());
    } catch (QmpCommandException endedMeanwhile) {
      if (ourJobs().stream().anyMatch(j -> j.id().equals(job.id()))) {
        throw endedMeanwhile;
      }
    }
  }

  private List<JobInfo> ourJobs() throws QmpException {
    return qemu.queryJobs().stream()
        .filter(j -> RunNames.isOurs(j.id()) && !RunNames.hasRole(j.id(), RunNames.Role.MIRROR))
        .toList();
  }

  private void removeObjects(RunNames.Role role) throws QmpException {
    for (String id : objects(role)) {
      qemu.objectDel(id);
      removed("object", id);
    }
  }

  /** The objects of ours with this role. */
  List<String> objects(RunNames.Role role) throws QmpException {
    try {
      return qemu.qomList("/objects").stream()
          .map(QomProperty::name)
          .filter(name -> RunNames.hasRole(name, role))
          .toList();
    } catch (QmpCommandException refused) {
      // A storage daemon has no such container before the first object is put into it.
      if (refused.errorClass().equals("DeviceNotFound")) {
        return List.of();
      }
      throw refused;
    }
  }

  /**
   * Removes the bitmaps that {@code stale} picks, by the names of their node and their own. One
   * that is kept in an image beneath an external snapshot cannot be changed as long as that stands;
   * it goes with the first run after the snapshot's commit.
   */
  void removeBitmaps(BiPredicate<String, String> stale) throws QmpException {
    for (BlockNode node : qemu.queryNamedBlockNodes()) {
      for (DirtyBitmap bitmap : node.dirtyBitmaps()) {
        boolean locked = node.readOnly() && bitmap.persistent();
        if (!locked && stale.test(node.nodeName(), bitmap.name())) {
          qemu.dirtyBitmapRemove(node.nodeName(), bitmap.name());
          removed("bitmap", bitmap.name());
        }
      }
    }
  }

  private void removed(String kind, String name) {
    listener.onEvent(new JobEvent.Removed(kind, name));
  }

  /** A question to a QEMU. */
  private interface Condition {
    boolean holds() throws QmpException;
  }

  private void await(String what, Condition gone)
      throws QmpException, JobException, InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!gone.holds()) {
      if (System.nanoTime() - deadline > 0) {
        throw JobException.failed(
            "QEMU did not let go of our " + what + " within " + timeout.toSeconds() + " s");
      }
      Thread.sleep(10);
    }
  }
}
