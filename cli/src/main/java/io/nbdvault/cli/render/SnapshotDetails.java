package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;

/** All there is of one snapshot, as lines of a name and a value. */
public final class SnapshotDetails {
  private static final int NAME_WIDTH = 13;

  private final List<String> lines = new ArrayList<>();

  private SnapshotDetails() {}

  /** The lines. */
  public static List<String> lines(CatalogEntry entry, ZoneId zone) {
    SnapshotRecord snapshot = entry.record();
    SnapshotDetails details = new SnapshotDetails();
    details.addSnapshot(snapshot, zone);
    if (entry.state().isProtected()) {
      details.add("protected", "yes");
    }
    snapshot.disks().forEach(details::addDisk);
    snapshot
        .skipped()
        .forEach(skipped -> details.heading("disk " + skipped.name() + ": " + skipped.reason()));
    return details.lines;
  }

  /** What a consistency means to whoever restores. */
  static String meaning(Consistency consistency) {
    return switch (consistency) {
      case CRASH -> "as after a power cut";
      case FILESYSTEM -> "file systems frozen";
      case OFFLINE -> "VM not running";
    };
  }

  private void addSnapshot(SnapshotRecord snapshot, ZoneId zone) {
    add("snapshot", snapshot.id().hex());
    add("VM", snapshot.vm());
    snapshot.vmUuid().ifPresent(uuid -> add("UUID", uuid));
    add("time", Times.second(snapshot.time(), zone));
    add(
        "consistency",
        SnapshotTable.consistency(snapshot.consistency())
            + " ("
            + meaning(snapshot.consistency())
            + ")");
    snapshot.parent().ifPresent(parent -> add("parent", parent.hex()));
    add("took", Amounts.took(snapshot.statistics().duration()));
    snapshot.tags().forEach((name, value) -> add("tag", name + "=" + value));
    snapshot.qemuVersion().ifPresent(version -> add("QEMU", version));
    snapshot
        .vmConfiguration()
        .ifPresent(
            json ->
                add(
                    "configuration",
                    Amounts.bytes(json.getBytes(StandardCharsets.UTF_8).length)
                        + " of JSON, which --json shows"));
  }

  private void addDisk(DiskRecord disk) {
    heading("disk " + disk.name());
    add("  size", exactly(disk.sizeBytes()));
    add("  format", disk.format());
    add("  how", disk.incremental() ? "changes only" : "in full");
    disk.fullReason().ifPresent(reason -> add("  because", reason));
    DiskStatistics statistics = disk.statistics();
    add("  read", exactly(statistics.readBytes()));
    add("  dirty", exactly(statistics.dirtyBytes()));
    add("  zero", exactly(statistics.zeroBytes()));
    add("  new", exactly(statistics.newBytes()));
    add("  dedup", exactly(statistics.duplicateBytes()));
    add("  stored", exactly(statistics.storedBytes()));
    add("  nodes", exactly(statistics.nodeBytes()));
    add("  root", disk.root().isZero() ? "none, all zeroes" : disk.root().toString());
    disk.checkpoint().ifPresent(this::addCheckpoint);
  }

  private void addCheckpoint(Checkpoint checkpoint) {
    add("  bitmap", checkpoint.bitmapName());
    add("  granularity", exactly(checkpoint.granularityBytes()));
    add("  persistent", checkpoint.persistent() ? "yes" : "no, ends with the QEMU process");
    checkpoint.imageChain().forEach(image -> add("  image", image));
    checkpoint.processIdentity().ifPresent(identity -> add("  process", identity));
  }

  private void heading(String text) {
    lines.add("");
    lines.add(Printable.line(text));
  }

  private void add(String name, String value) {
    String padding = " ".repeat(NAME_WIDTH - name.length());
    lines.add((name + padding + "  " + Printable.line(value)).stripTrailing());
  }

  private static String exactly(long bytes) {
    String amount = Amounts.bytes(bytes);
    return amount.endsWith("B") ? bytes + " bytes" : amount + " (" + bytes + " bytes)";
  }
}
