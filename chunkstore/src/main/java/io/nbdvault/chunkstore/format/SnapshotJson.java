package io.nbdvault.chunkstore.format;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.time.DateTimeException;
import java.util.Locale;

/**
 * The JSON of a snapshot's record. Fields that are empty are left out; fields that are not known
 * are passed over when read, so that a later version may add some that earlier ones need not know.
 */
final class SnapshotJson {
  private SnapshotJson() {}

  static byte[] encode(SnapshotRecord record) {
    ObjectNode json = JsonFields.newObject();
    json.put("id", record.id().hex());
    json.put("vm", record.vm());
    record.vmUuid().ifPresent(uuid -> json.put("vmUuid", uuid));
    json.put("time", record.time().toString());
    json.put("consistency", name(record.consistency()));
    record.parent().map(SnapshotId::hex).ifPresent(parent -> json.put("parent", parent));
    ArrayNode disks = json.putArray("disks");
    record.disks().forEach(disk -> encode(disk, disks.addObject()));
    ArrayNode skipped = json.putArray("skipped");
    record
        .skipped()
        .forEach(disk -> skipped.addObject().put("name", disk.name()).put("reason", disk.reason()));
    json.putObject("statistics").put("duration", record.statistics().duration().toString());
    ObjectNode tags = json.putObject("tags");
    record.tags().forEach(tags::put);
    record.qemuVersion().ifPresent(version -> json.put("qemuVersion", version));
    record.vmConfiguration().ifPresent(text -> json.put("vmConfiguration", text));
    record.commit().ifPresent(number -> json.put("commit", number));
    return JsonFields.encode(json);
  }

  static SnapshotRecord decode(byte[] bytes, int offset, int length)
      throws MalformedRecordException {
    JsonFields json = JsonFields.parse(bytes, offset, length);
    try {
      return SnapshotJsonReader.record(json);
    } catch (JsonFields.WrongFieldException | IllegalArgumentException | DateTimeException e) {
      throw new MalformedRecordException(offset, "snapshot", e);
    }
  }

  static String name(Consistency consistency) {
    return consistency.name().toLowerCase(Locale.ROOT);
  }

  private static void encode(DiskRecord disk, ObjectNode json) {
    json.put("name", disk.name());
    json.put("sizeBytes", disk.sizeBytes());
    json.put("format", disk.format());
    json.put("root", disk.root().toString());
    disk.checkpoint().ifPresent(checkpoint -> encode(checkpoint, json.putObject("checkpoint")));
    encode(disk.statistics(), json.putObject("statistics"));
    json.put("incremental", disk.incremental());
    disk.fullReason().ifPresent(reason -> json.put("fullReason", reason));
  }

  private static void encode(Checkpoint checkpoint, ObjectNode json) {
    json.put("bitmapName", checkpoint.bitmapName());
    json.put("granularityBytes", checkpoint.granularityBytes());
    json.put("persistent", checkpoint.persistent());
    ArrayNode chain = json.putArray("imageChain");
    checkpoint.imageChain().forEach(chain::add);
    checkpoint.processIdentity().ifPresent(process -> json.put("processIdentity", process));
  }

  private static void encode(DiskStatistics statistics, ObjectNode json) {
    json.put("readBytes", statistics.readBytes());
    json.put("dirtyBytes", statistics.dirtyBytes());
    json.put("zeroBytes", statistics.zeroBytes());
    json.put("newBytes", statistics.newBytes());
    json.put("duplicateBytes", statistics.duplicateBytes());
    json.put("storedBytes", statistics.storedBytes());
    json.put("nodeBytes", statistics.nodeBytes());
  }
}
