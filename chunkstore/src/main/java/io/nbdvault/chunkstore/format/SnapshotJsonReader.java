package io.nbdvault.chunkstore.format;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads what {@link SnapshotJson} writes. */
final class SnapshotJsonReader {
  private SnapshotJsonReader() {}

  static SnapshotRecord record(JsonFields json) {
    return new SnapshotRecord(
        new SnapshotId(json.text("id")),
        json.text("vm"),
        json.optionalText("vmUuid"),
        Instant.parse(json.text("time")),
        consistency(json.text("consistency")),
        json.optionalText("parent").map(SnapshotId::new),
        disks(json),
        skipped(json),
        new SnapshotStatistics(Duration.parse(json.object("statistics").text("duration"))),
        tags(json.object("tags")),
        json.optionalText("qemuVersion"),
        json.optionalText("vmConfiguration"),
        json.has("commit") ? OptionalLong.of(json.number("commit")) : OptionalLong.empty());
  }

  private static Consistency consistency(String name) {
    for (Consistency consistency : Consistency.values()) {
      if (SnapshotJson.name(consistency).equals(name)) {
        return consistency;
      }
    }
    throw new JsonFields.WrongFieldException("JSON field consistency: " + name);
  }

  private static List<DiskRecord> disks(JsonFields json) {
    List<DiskRecord> disks = new ArrayList<>();
    for (JsonNode element : json.array("disks")) {
      disks.add(disk(new JsonFields(element, "disks[" + disks.size() + "].")));
    }
    return disks;
  }

  private static DiskRecord disk(JsonFields json) {
    return new DiskRecord(
        json.text("name"),
        json.number("sizeBytes"),
        json.text("format"),
        id(json.text("root")),
        json.has("checkpoint")
            ? Optional.of(checkpoint(json.object("checkpoint")))
            : Optional.empty(),
        statistics(json.object("statistics")),
        json.truth("incremental"),
        json.optionalText("fullReason"));
  }

  private static ChunkId id(String hex) {
    if (hex.length() != 2 * ChunkId.BYTES) {
      throw new JsonFields.WrongFieldException("JSON field root: " + hex);
    }
    return ChunkId.fromBytes(HexFormat.of().parseHex(hex), 0);
  }

  private static Checkpoint checkpoint(JsonFields json) {
    List<String> chain = new ArrayList<>();
    for (JsonNode image : json.array("imageChain")) {
      if (!image.isTextual()) {
        throw new JsonFields.WrongFieldException("JSON field imageChain (expected: strings)");
      }
      chain.add(image.textValue());
    }
    return new Checkpoint(
        json.text("bitmapName"),
        json.number("granularityBytes"),
        json.truth("persistent"),
        chain,
        json.optionalText("processIdentity"));
  }

  private static DiskStatistics statistics(JsonFields json) {
    return new DiskStatistics(
        json.number("readBytes"),
        json.number("dirtyBytes"),
        json.number("zeroBytes"),
        json.number("newBytes"),
        json.number("duplicateBytes"),
        json.number("storedBytes"),
        json.number("nodeBytes"));
  }

  private static List<SkippedDisk> skipped(JsonFields json) {
    List<SkippedDisk> skipped = new ArrayList<>();
    for (JsonNode element : json.array("skipped")) {
      JsonFields fields = new JsonFields(element, "skipped[" + skipped.size() + "].");
      skipped.add(new SkippedDisk(fields.text("name"), fields.text("reason")));
    }
    return skipped;
  }

  private static SortedMap<String, String> tags(JsonFields json) {
    SortedMap<String, String> tags = new TreeMap<>();
    json.node().fieldNames().forEachRemaining(name -> tags.put(name, json.text(name)));
    return tags;
  }
}
