package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.StoreStatistics;
import java.util.ArrayList;
import java.util.List;

/** What a repository holds, for programs; {@code docs/JSON.md} describes each field. */
public final class StatisticsJson {
  private StatisticsJson() {}

  /** An object for each VM, each followed by those of its snapshots; then the summary. */
  public static List<ObjectNode> objects(StoreStatistics statistics, long diskBytes) {
    List<ObjectNode> objects = new ArrayList<>();
    for (StoreStatistics.Vm vm : statistics.vms()) {
      ObjectNode json =
          JsonLines.event("stats-vm")
              .put("vm", vm.name())
              .put("snapshots", vm.snapshots().size())
              .put("sizeBytes", StatisticsText.sizeBytes(vm))
              .put("dataBytes", StatisticsText.dataBytes(vm));
      json.set("alone", totals(vm.alone()));
      objects.add(json);
      vm.snapshots().forEach(snapshot -> objects.add(snapshot(vm, snapshot)));
    }
    objects.add(summary(statistics).put("diskBytes", diskBytes));
    return objects;
  }

  private static ObjectNode snapshot(StoreStatistics.Vm vm, StoreStatistics.Snapshot snapshot) {
    ObjectNode json =
        JsonLines.event("stats-snapshot")
            .put("id", snapshot.id().hex())
            .put("vm", vm.name())
            .put("sizeBytes", snapshot.sizeBytes())
            .put("dataBytes", snapshot.dataBytes());
    json.set("alone", totals(snapshot.alone()));
    return json;
  }

  private static ObjectNode summary(StoreStatistics statistics) {
    ObjectNode json =
        JsonLines.event("summary")
            .put("job", "stats")
            .put("sizeBytes", statistics.sizeBytes())
            .put("dataBytes", statistics.dataBytes())
            .put("missingChunks", statistics.missingChunks());
    Ratios ratios = Ratios.of(statistics);
    ratios.deduplication().ifPresent(ratio -> json.put("deduplicationRatio", ratio));
    ratios.compression().ifPresent(ratio -> json.put("compressionRatio", ratio));
    json.set("reachable", totals(statistics.reachable()));
    json.set("stored", totals(statistics.stored()));
    return json;
  }

  private static ObjectNode totals(ContentTotals totals) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("chunks", totals.chunks())
        .put("plainBytes", totals.plainBytes())
        .put("chunkStoredBytes", totals.chunkStoredBytes())
        .put("nodes", totals.nodes())
        .put("nodeStoredBytes", totals.nodeStoredBytes());
  }
}
