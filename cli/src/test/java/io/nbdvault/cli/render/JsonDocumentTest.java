package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.cli.nbd.ExportReport;
import io.nbdvault.cli.nbd.MapRow;
import io.nbdvault.cli.nbd.MapTotals;
import io.nbdvault.cli.nbd.NbdJson;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.DiffJob;
import io.nbdvault.engine.retention.KeepRule;
import io.nbdvault.engine.retention.RetentionPlan;
import io.nbdvault.engine.retention.RetentionPolicy;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.ExportInfo;
import io.nbdvault.nbd.protocol.HeaderStyle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Holds the document for programs against what is printed. */
class JsonDocumentTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "JSON.md");
  private static final Pattern CODE = Pattern.compile("`([A-Za-z-]+)`");

  @Test
  void everyEventAndEveryFieldIsDocumented() throws IOException, JobException {
    Set<String> documented =
        CODE.matcher(Files.readString(DOCUMENT))
            .results()
            .map((MatchResult match) -> match.group(1))
            .collect(Collectors.toSet());
    Set<String> printed = new TreeSet<>();
    for (String line : everything().lines().toList()) {
      collect(new ObjectMapper().readTree(line), printed);
    }

    assertThat(printed).contains("point-in-time", "granularityBytes", "error");
    assertThat(documented).containsAll(printed);
  }

  /** Names of fields and events, but not those that are data. */
  private static void collect(JsonNode node, Set<String> names) {
    if (node.has("event")) {
      names.add(node.path("event").textValue());
    }
    node.properties()
        .forEach(
            field -> {
              names.add(field.getKey());
              boolean data = Set.of("tags", "vmConfiguration").contains(field.getKey());
              if (!data) {
                collect(field.getValue(), names);
              }
            });
    if (node.isArray()) {
      node.forEach(element -> collect(element, names));
    }
  }

  private static void writeNbd(JsonLines lines) throws JobException {
    MapRow row = new MapRow(BaseAllocation.CONTEXT, 0, 1, 0);
    MapTotals totals = new MapTotals(BaseAllocation.CONTEXT, 1);
    totals.add(row);
    ExportInfo info =
        new ExportInfo(
            1,
            false,
            true,
            true,
            true,
            true,
            true,
            true,
            true,
            true,
            true,
            1,
            4096,
            32 << 20,
            HeaderStyle.STRUCTURED,
            List.of(),
            Optional.of("a disk"));
    NbdUri uri = NbdUri.parse("nbd://h/disk");
    lines.write(NbdJson.of(new ExportReport(uri, true, info, List.of(BaseAllocation.CONTEXT))));
    lines.write(NbdJson.size(1));
    lines.write(NbdJson.of(row));
    totals.totals().forEach(total -> lines.write(NbdJson.of(total)));
  }

  private static void writeDiff(JsonLines lines) {
    DiffJson diff =
        new DiffJson(
            lines, new DiffJob.Pair(SampleSnapshots.ordinary(), SampleSnapshots.ordinary()));
    var disk = SampleSnapshots.ordinary().disk("vda");
    assertThat(diff.disk("vda", disk, disk)).isTrue();
    diff.range(0, 65536);
    diff.end();
  }

  private static String everything() throws JobException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8);
    try (JobDisplay display = new JsonDisplay(out, false)) {
      DisplayTest.backup(display);
      display.onEvent(new JobEvent.PhaseProgress("mark", 1, 1, false));
      display.onEvent(
          new JobEvent.Restored(
              "vda", "/vm/vda.raw", 1, 1, Optional.of(new DiskDifference(1, 1, 1, 1))));
      display.restored(SampleSnapshots.ordinary(), Duration.ZERO);
      display.cleanedUp(Path.of("/run/q"));
      display.copied("nbd://h/", "/vm/vda.raw", 1, 1, Duration.ZERO);
    }
    JsonLines lines = new JsonLines(out);
    lines.write(SnapshotJson.brief(SampleSnapshots.kept(SampleSnapshots.ordinary())));
    lines.write(SnapshotJson.full(SampleSnapshots.kept(SampleSnapshots.ordinary())));
    SnapshotState forgotten = new SnapshotState(false, Optional.of(SampleSnapshots.TIME), false);
    lines.write(SnapshotJson.brief(new CatalogEntry(SampleSnapshots.ordinary(), forgotten)));
    RetentionPlan plan =
        new RetentionPolicy(List.of(new KeepRule.Last(1)))
            .plan(
                List.of(SampleSnapshots.kept(SampleSnapshots.ordinary())),
                SampleSnapshots.TIME,
                SampleSnapshots.ZONE);
    RetentionJson.of(plan, true).forEach(lines::write);
    lines.write(
        CollectSummary.json(
            new CollectReport(
                false,
                false,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                List.of(new DamagedItem("file", "bad")),
                true,
                Duration.ZERO,
                Duration.ZERO)));
    writeDiff(lines);
    ContentTotals totals = new ContentTotals(1, 2, 1, 1, 1);
    StatisticsJson.objects(
            new StoreStatistics(
                totals,
                totals,
                0,
                List.of(
                    new StoreStatistics.Vm(
                        "web1",
                        totals,
                        List.of(new StoreStatistics.Snapshot(SampleSnapshots.ID, 1, 1, totals))))),
            1L)
        .forEach(lines::write);
    lines.write(JsonLines.error(1, "no"));
    writeNbd(lines);
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
