package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.VerifyReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a repair would do or has done, for programs; {@code docs/JSON.md} describes each object. */
public final class RepairJson {
  private RepairJson() {}

  /** An object for everything that is damaged, and the plan. */
  public static List<ObjectNode> plan(RepairPlan plan) {
    List<ObjectNode> objects = new ArrayList<>();
    for (DamagedItem item : plan.damage()) {
      objects.add(VerifyJson.of(item));
    }
    ObjectNode json = JsonLines.event("repair-plan").put("spaceBytes", plan.spaceBytes());
    ArrayNode steps = json.putArray("steps");
    plan.steps().forEach(step -> steps.add(step.name().toLowerCase(Locale.ROOT).replace('_', '-')));
    objects.add(json);
    return objects;
  }

  /** An object for everything that could not be brought back. */
  public static List<ObjectNode> lost(RepairReport files) {
    List<ObjectNode> objects = new ArrayList<>();
    for (DamagedItem item : files.lost()) {
      objects.add(JsonLines.event("lost").put("what", item.what()).put("reason", item.reason()));
    }
    return objects;
  }

  /** What was acknowledged. */
  public static ObjectNode acknowledged(List<String> lost) {
    ObjectNode json = JsonLines.event("summary").put("job", "repair");
    ArrayNode lines = json.putArray("acknowledged");
    lost.forEach(lines::add);
    return json;
  }

  /** What was done, and what is damaged still. */
  public static ObjectNode summary(RepairReport files, VerifyReport content, Duration took) {
    ObjectNode json =
        JsonLines.event("summary")
            .put("job", "repair")
            .put("recordsPutBack", files.recordsPutBack())
            .put("rowsPutBack", files.rowsPutBack())
            .put("indexRows", files.indexRows())
            .put("recordsLost", files.flagged())
            .put("lost", files.lost().size());
    addIds(json.putArray("broughtBack"), files.broughtBack());
    addIds(json.putArray("protectedAnew"), files.protectedAnew());
    if (!files.quarantine().isEmpty()) {
      json.put("quarantine", files.quarantine());
    }
    VerifyJson.addCounts(json, content);
    return json.put("seconds", SnapshotJson.seconds(took));
  }

  private static void addIds(ArrayNode array, List<SnapshotId> ids) {
    ids.forEach(id -> array.add(id.hex()));
  }
}
