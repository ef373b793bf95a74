package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.SnapshotSelector;
import io.nbdvault.engine.pipeline.DiskWriting;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes disks of a snapshot to targets. New images lie under temporary names until every disk is
 * complete and synced. Devices and NBD disks are written in place.
 */
public final class RestoreJob {
  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;

  public RestoreJob(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /** A disk and where it goes. */
  private record Pair(DiskRecord disk, RestoreTarget target) {}

  /**
   * Restores.
   *
   * @return the snapshot that was meant
   * @throws JobException when the request cannot be met, or something failed on the way
   * @throws IOException when the repository or a target fails; damaged data is never written as if
   *     it were right
   */
  public SnapshotRecord run(RestoreRequest request)
      throws JobException, IOException, InterruptedException {
    SnapshotRecord snapshot = SnapshotSelector.select(store, request.snapshot());
    List<DiskRecord> disks = wanted(snapshot, request.disks());
    TargetOpener opener = new TargetOpener(request);
    boolean inDirectory = opener.isDirectory(disks.size());
    if (disks.size() > 1 && !inDirectory) {
      throw JobException.badRequest(
          "the snapshot has "
              + disks.size()
              + " disks and "
              + request.to()
              + " takes one: choose with --disk, or name a directory");
    }
    listener.onEvent(new JobEvent.Started("restore", snapshot.id().hex()));
    try (SnapshotReader reader = store.open(snapshot.id())) {
      // The walk comes first: a damaged tree is found before a target is touched.
      Map<String, Long> dataBytes = measure(reader, disks);
      if (inDirectory) {
        Files.createDirectories(Path.of(request.to()));
      }
      restore(reader, disks, opener, inDirectory, dataBytes);
    }
    return snapshot;
  }

  private static List<DiskRecord> wanted(SnapshotRecord snapshot, List<String> names)
      throws JobException {
    if (names.isEmpty()) {
      return snapshot.disks();
    }
    List<DiskRecord> disks = new ArrayList<>();
    for (String name : names) {
      disks.add(
          snapshot
              .disk(name)
              .orElseThrow(
                  () ->
                      JobException.badRequest(
                          "snapshot "
                              + snapshot.id().shortForm()
                              + " has no disk '"
                              + name
                              + "' (it has: "
                              + namesOf(snapshot)
                              + ")")));
    }
    return disks;
  }

  private static String namesOf(SnapshotRecord snapshot) {
    return String.join(", ", snapshot.disks().stream().map(DiskRecord::name).toList());
  }

  private static Map<String, Long> measure(SnapshotReader reader, List<DiskRecord> disks)
      throws IOException {
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (DiskRecord disk : disks) {
      DiskReader content = reader.disk(disk.name());
      long[] sum = new long[1];
      content.forEachChunk(
          0,
          (disk.sizeBytes() + content.chunkSizeBytes() - 1) / content.chunkSizeBytes(),
          (index, id, length) -> {
            sum[0] += length;
            return true;
          });
      bytes.put(disk.name(), sum[0]);
    }
    return bytes;
  }

  private void restore(
      SnapshotReader reader,
      List<DiskRecord> disks,
      TargetOpener opener,
      boolean inDirectory,
      Map<String, Long> dataBytes)
      throws JobException, IOException, InterruptedException {
    ProgressMeter meter =
        new ProgressMeter(listener, dataBytes.values().stream().mapToLong(Long::longValue).sum());
    List<Pair> opened = new ArrayList<>();
    try (Pipeline pipeline = new Pipeline(limits, cancellation)) {
      for (DiskRecord disk : disks) {
        opened.add(new Pair(disk, opener.open(disk, inDirectory)));
      }
      for (Pair pair : opened) {
        write(pipeline, reader.disk(pair.disk().name()), pair, meter);
      }
      cancellation.check(); // Not between two of them: all disks of a snapshot, or none.
      for (Pair pair : opened) {
        pair.target().publish();
        listener.onEvent(
            new JobEvent.Restored(
                pair.disk().name(),
                pair.target().name(),
                pair.disk().sizeBytes(),
                dataBytes.getOrDefault(pair.disk().name(), 0L)));
      }
    } finally {
      closeAll(opened);
    }
  }

  private static void write(Pipeline pipeline, DiskReader content, Pair pair, ProgressMeter meter)
      throws JobException, IOException, InterruptedException {
    RestoreTarget target = pair.target();
    String name = pair.disk().name();
    new DiskWriting(pipeline, name, content, target, !target.startsZeroed(), meter).run();
    target.complete();
    meter.tell();
  }

  private static void closeAll(List<Pair> opened) throws IOException {
    IOException first = null;
    for (Pair pair : opened) {
      try {
        pair.target().close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
