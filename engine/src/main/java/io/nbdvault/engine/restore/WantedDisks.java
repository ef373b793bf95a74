package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.pipeline.DiskWriting;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The disks of a snapshot that are to be restored. */
final class WantedDisks {
  private WantedDisks() {}

  /**
   * Those of these names, or all.
   *
   * @throws JobException when the snapshot has no such disk
   */
  static List<DiskRecord> of(SnapshotRecord snapshot, List<String> names) throws JobException {
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

  /**
   * How much of each disk is content, by name. The whole trees are walked, so that a damaged one is
   * found before a target is touched.
   *
   * @param salvage whether damage is left out instead
   */
  static Map<String, Long> dataBytes(SnapshotReader reader, List<DiskRecord> disks, boolean salvage)
      throws JobException, IOException {
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (DiskRecord disk : disks) {
      DiskReader content = reader.disk(disk.name());
      long[] sum = new long[1];
      List<JobException> failures = new ArrayList<>();
      content.forEachReadableChunk(
          (index, id, length) -> {
            sum[0] += length;
            return true;
          },
          (first, count, damage) -> {
            if (failures.isEmpty()) {
              failures.add(unreadable(disk, content.chunkSizeBytes(), first, count, damage));
            }
          });
      if (!salvage && !failures.isEmpty()) {
        throw failures.get(0);
      }
      bytes.put(disk.name(), sum[0]);
    }
    return bytes;
  }

  private static JobException unreadable(
      DiskRecord disk, long chunkSizeBytes, long first, long count, DamagedException damage) {
    long offset = first * chunkSizeBytes;
    long length = Math.min(disk.sizeBytes() - offset, count * chunkSizeBytes);
    return JobException.failed(
        "disk " + disk.name() + " cannot be restored: " + DiskWriting.unreadable(offset, length),
        damage);
  }
}
