package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.SnapshotSelector;
import io.nbdvault.engine.qemu.LiveRestore;
import io.nbdvault.engine.qemu.MirrorTarget;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Moves disks of a VM that runs on a served snapshot to local images, while its guest goes on. What
 * is copied comes through QEMU, with what the guest has written since; the repository only says
 * which disks there must be, and how much room they take.
 */
public final class LiveRestoreJob {
  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;

  public LiveRestoreJob(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /**
   * Moves the disks.
   *
   * @param qmpSocket of the QEMU
   * @return the snapshot that was meant
   * @throws JobException when the request cannot be met, or something failed on the way: then the
   *     VM goes on as it was, unless the kind is {@code PARTIAL}
   */
  public SnapshotRecord run(RestoreRequest request, Path qmpSocket)
      throws JobException, IOException, InterruptedException {
    SnapshotRecord snapshot = SnapshotSelector.select(store, request.snapshot());
    List<DiskRecord> disks = WantedDisks.of(snapshot, request.disks());
    TargetOpener opener = new TargetOpener(request);
    if (opener.isNbd()) {
      throw JobException.badRequest("--live moves disks to images: name a file or a directory");
    }
    boolean inDirectory = opener.isDirectoryFor(disks.size());
    listener.onEvent(new JobEvent.Started("restore", snapshot.id().hex()));
    Map<String, Long> dataBytes;
    try (SnapshotReader reader = store.open(snapshot.id())) {
      dataBytes = WantedDisks.dataBytes(reader, disks, false);
    }
    String repository = store.config().repositoryId();
    try (LiveRestore live =
        LiveRestore.open(qmpSocket, repository, limits, cancellation, listener)) {
      Map<String, Long> sizes = new LinkedHashMap<>();
      disks.forEach(disk -> sizes.put(disk.name(), disk.sizeBytes()));
      List<String> chosen = live.choose(sizes);
      if (inDirectory) {
        Files.createDirectories(Path.of(request.to()));
      }
      List<LiveRestore.Target> targets =
          targets(opener, inDirectory, disks, dataBytes).stream()
              .filter(target -> chosen.contains(target.disk()))
              .toList();
      for (LiveRestore.Target target : targets) {
        refuseExisting(target.path(), request.force());
      }
      checkRoom(targets);
      for (LiveRestore.Target target : targets) {
        MirrorTarget.clear(target.path());
      }
      live.move(targets);
    }
    return snapshot;
  }

  private static List<LiveRestore.Target> targets(
      TargetOpener opener, boolean inDirectory, List<DiskRecord> disks, Map<String, Long> dataBytes)
      throws JobException, IOException {
    List<LiveRestore.Target> targets = new ArrayList<>();
    for (DiskRecord disk : disks) {
      TargetOpener.Image image = opener.imageFor(disk, inDirectory);
      targets.add(
          new LiveRestore.Target(
              disk.name(),
              dataBytes.getOrDefault(disk.name(), 0L),
              absolute(image.path()),
              switch (image.format()) {
                case RAW -> "raw";
                case QCOW2 -> "qcow2";
              }));
    }
    return targets;
  }

  /** As QEMU is to know it, whatever its working directory is. */
  private static Path absolute(Path path) throws JobException, IOException {
    Path given = path.toAbsolutePath();
    Path directory = Optional.ofNullable(given.getParent()).orElse(given);
    if (!Files.isDirectory(directory)) {
      throw JobException.badRequest("directory " + directory + " does not exist");
    }
    return directory.toRealPath().resolve(String.valueOf(given.getFileName()));
  }

  private static void refuseExisting(Path path, boolean force) throws JobException, IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      throw JobException.badRequest("--live moves disks to new images, and " + path + " is none");
    }
    if (MirrorTarget.isUndecided(path) && !force) {
      throw JobException.failed(
          path
              + " may hold the last writes of a guest whose disk was being switched to it when its"
              + " QEMU ended; --force replaces it");
    }
    if (!MirrorTarget.isIncomplete(path) && !force) {
      throw JobException.failed(path + " exists; --force replaces it");
    }
    TargetUse.refuseOpenImage(path);
  }

  /** For what the snapshot holds; what the guest writes meanwhile comes on top. */
  private static void checkRoom(List<LiveRestore.Target> targets) throws JobException, IOException {
    Map<FileStore, Long> needed = new HashMap<>();
    for (LiveRestore.Target target : targets) {
      Path directory = Optional.ofNullable(target.path().getParent()).orElse(target.path());
      FileStore filesystem = Files.getFileStore(directory);
      long sum = needed.merge(filesystem, target.dataBytes(), Long::sum);
      long free = filesystem.getUsableSpace();
      if (sum > free) {
        throw JobException.failed(
            directory
                + " has "
                + (free >> 20)
                + " MiB free, and the snapshot's disks hold "
                + (sum >> 20)
                + " MiB");
      }
    }
  }
}
