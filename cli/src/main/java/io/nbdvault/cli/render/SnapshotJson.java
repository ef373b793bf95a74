package io.nbdvault.cli.render;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.time.Duration;

/** Snapshots as JSON; {@code docs/JSON.md} describes each field. What is not known is left out. */
public final class SnapshotJson {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private SnapshotJson() {}

  /** A snapshot as the list of them has it. */
  public static ObjectNode brief(CatalogEntry entry) {
    ObjectNode json = describe(entry);
    addDisks(json, entry.record(), false);
    return json;
  }

  /** A snapshot with all there is of it. */
  public static ObjectNode full(CatalogEntry entry) {
    ObjectNode json = describe(entry);
    addDisks(json, entry.record(), true);
    entry.record().vmConfiguration().ifPresent(text -> json.set("vmConfiguration", parse(text)));
    return json;
  }

  private static ObjectNode describe(CatalogEntry entry) {
    ObjectNode json = JsonLines.event("snapshot").put("id", entry.record().id().hex());
    describe(json, entry.record());
    json.put("protected", entry.state().isProtected());
    entry
        .state()
        .forgotten()
        .ifPresent(
            time ->
                json.put("forgotten", time.toString()).put("condemned", entry.state().condemned()));
    return json;
  }

  /** What a backup did: the snapshot, and sums over its disks. */
  static ObjectNode summary(SnapshotRecord snapshot) {
    ObjectNode json =
        JsonLines.event("summary").put("job", "backup").put("snapshot", snapshot.id().hex());
    describe(json, snapshot);
    addDisks(json, snapshot, false);
    ObjectNode total = json.putObject("total").put("sizeBytes", Totals.sizeBytes(snapshot));
    addStatistics(total, Totals.of(snapshot));
    return json;
  }

  /** A duration in seconds, to the millisecond. */
  static double seconds(Duration duration) {
    return duration.toMillis() / 1000.0;
  }

  private static void describe(ObjectNode json, SnapshotRecord snapshot) {
    json.put("vm", snapshot.vm());
    snapshot.vmUuid().ifPresent(uuid -> json.put("vmUuid", uuid));
    json.put("time", snapshot.time().toString());
    json.put("consistency", SnapshotTable.consistency(snapshot.consistency()));
    snapshot.parent().map(SnapshotId::hex).ifPresent(parent -> json.put("parent", parent));
    json.put("seconds", seconds(snapshot.statistics().duration()));
    ObjectNode tags = json.putObject("tags");
    snapshot.tags().forEach(tags::put);
    snapshot.qemuVersion().ifPresent(version -> json.put("qemuVersion", version));
  }

  private static void addDisks(ObjectNode json, SnapshotRecord snapshot, boolean full) {
    ArrayNode disks = json.putArray("disks");
    for (DiskRecord disk : snapshot.disks()) {
      ObjectNode entry = disks.addObject();
      entry.put("name", disk.name()).put("sizeBytes", disk.sizeBytes());
      entry.put("format", disk.format()).put("incremental", disk.incremental());
      disk.fullReason().ifPresent(reason -> entry.put("fullReason", reason));
      addStatistics(entry, disk.statistics());
      if (full) {
        entry.put("root", disk.root().toString());
        disk.checkpoint().ifPresent(checkpoint -> entry.set("checkpoint", describe(checkpoint)));
      }
    }
    ArrayNode skipped = json.putArray("skipped");
    snapshot
        .skipped()
        .forEach(disk -> skipped.addObject().put("name", disk.name()).put("reason", disk.reason()));
  }

  private static void addStatistics(ObjectNode json, DiskStatistics statistics) {
    json.put("readBytes", statistics.readBytes());
    json.put("dirtyBytes", statistics.dirtyBytes());
    json.put("zeroBytes", statistics.zeroBytes());
    json.put("newBytes", statistics.newBytes());
    json.put("duplicateBytes", statistics.duplicateBytes());
    json.put("storedBytes", statistics.storedBytes());
    json.put("nodeBytes", statistics.nodeBytes());
  }

  private static ObjectNode describe(Checkpoint checkpoint) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("bitmap", checkpoint.bitmapName());
    json.put("granularityBytes", checkpoint.granularityBytes());
    json.put("persistent", checkpoint.persistent());
    checkpoint.imageChain().forEach(json.putArray("images")::add);
    checkpoint.processIdentity().ifPresent(identity -> json.put("process", identity));
    return json;
  }

  /**
   * The tree, or the text itself where it is no JSON: a snapshot must be shown, whatever it holds.
   */
  private static JsonNode parse(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      return TextNode.valueOf(text);
    }
  }
}
