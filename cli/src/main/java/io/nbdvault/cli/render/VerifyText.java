package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.engine.maintenance.VerifyRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What a verification found, for people. */
public final class VerifyText {
  /** More lines of one kind than this nobody reads; {@code --json} has them all. */
  private static final int LINES_MAX = 100;

  private static final int SNAPSHOTS_SHOWN_MAX = 3;

  private VerifyText() {}

  /** The lines: what is damaged, then what was looked at. */
  public static List<String> lines(VerifyReport report, VerifyRequest request, Duration took) {
    List<String> lines = new ArrayList<>();
    for (DamagedItem item : first(report.items())) {
      lines.add(Printable.line("damaged: " + item.what() + ": " + item.reason()));
    }
    for (DamagedContent content : first(report.contents())) {
      lines.add(Printable.line(line(content)));
    }
    Map<Place, List<SnapshotId>> places = places(report.ranges());
    int rangesShown = 0;
    for (Place place : first(List.copyOf(places.keySet()))) {
      List<SnapshotId> snapshots = places.getOrDefault(place, List.of());
      lines.add(Printable.line(line(place, snapshots)));
      rangesShown += snapshots.size();
    }
    int shown = first(report.items()).size() + first(report.contents()).size() + rangesShown;
    long all = report.items().size() + report.contentsFound() + report.rangesFound();
    if (all > shown) {
      lines.add("and " + (all - shown) + " more: see them with --json");
    }
    long unlisted = report.unlistedCount() + report.rangesFound() - report.ranges().size();
    if (unlisted > 0) {
      lines.add("of these " + unlisted + " are not listed there either, only counted");
    }
    if (report.flagged() > 0) {
      lines.add(
          "flagged, to be stored anew by the next backup that meets it, or mended: "
              + report.flagged());
    }
    if (request.samplePercent() < VerifyOptions.ALL_PERCENT) {
      lines.add("the sample can be had again with --seed " + request.seed());
    }
    lines.add(
        String.format(
            Locale.ROOT,
            "%d snapshots, %d records, %s read in %s: %s",
            report.snapshots(),
            report.records(),
            Amounts.bytes(report.readBytes()),
            Amounts.took(took),
            report.isClean() ? "no damage" : "DAMAGED"));
    return lines;
  }

  /** What is to be done, in one sentence. */
  public static String advice(VerifyReport report) {
    String found =
        "damage was found: "
            + report.rangesFound()
            + (report.rangesFound() == 1 ? " range" : " ranges")
            + " of disks cannot be read";
    String heals = "the next full backup of the VM heals what its disks still hold";
    if (report.items().isEmpty()) {
      return found + "; " + heals;
    }
    return report.contentsFound() == 0
        ? found + "; see what can be done with: nbdvault repair"
        : found + "; see what can be done with: nbdvault repair; then " + heals;
  }

  /** Bytes of a disk, which many snapshots may share. */
  private record Place(String vm, String disk, long offsetBytes, long lengthBytes) {}

  private static Map<Place, List<SnapshotId>> places(List<DamagedRange> ranges) {
    Map<Place, List<SnapshotId>> places = new LinkedHashMap<>();
    for (DamagedRange range : ranges) {
      Place place = new Place(range.vm(), range.disk(), range.offsetBytes(), range.lengthBytes());
      places.computeIfAbsent(place, p -> new ArrayList<>()).add(range.snapshot());
    }
    return places;
  }

  private static <T> List<T> first(List<T> all) {
    return all.subList(0, Math.min(LINES_MAX, all.size()));
  }

  private static String line(DamagedContent content) {
    String place =
        content.ordinal().isPresent() ? " at ordinal " + content.ordinal().getAsLong() : "";
    return "damaged: "
        + (content.isNode() ? "node " : "chunk ")
        + content.id()
        + place
        + ": "
        + content.reason();
  }

  private static String line(Place place, List<SnapshotId> snapshots) {
    String ids =
        snapshots.stream()
            .limit(SNAPSHOTS_SHOWN_MAX)
            .map(SnapshotId::shortForm)
            .collect(Collectors.joining(", "));
    int more = snapshots.size() - SNAPSHOTS_SHOWN_MAX;
    return "cannot be read: disk "
        + place.disk()
        + " of "
        + place.vm()
        + ": "
        + place.lengthBytes()
        + " bytes from "
        + place.offsetBytes()
        + (snapshots.size() == 1 ? ", in snapshot " : ", in snapshots ")
        + ids
        + (more > 0 ? " and " + more + " more" : "");
  }
}
