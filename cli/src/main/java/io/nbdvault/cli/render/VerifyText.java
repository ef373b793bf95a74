package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.engine.maintenance.VerifyRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a verification found, for people. */
public final class VerifyText {
  /** More lines of one kind than this nobody reads; {@code --json} has them all. */
  private static final int LINES_MAX = 100;

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
    for (DamagedRange range : first(report.ranges())) {
      lines.add(Printable.line(line(range)));
    }
    int shown =
        first(report.items()).size()
            + first(report.contents()).size()
            + first(report.ranges()).size();
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
    String found = "damage was found: " + report.rangesFound() + " ranges of disks cannot be read";
    String heals = "the next full backup of the VM heals what its disks still hold";
    if (report.items().isEmpty()) {
      return found + "; " + heals;
    }
    return report.contentsFound() == 0
        ? found + "; see what can be done with: nbdvault repair"
        : found + "; see what can be done with: nbdvault repair; then " + heals;
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

  private static String line(DamagedRange range) {
    return "cannot be read: snapshot "
        + range.snapshot().shortForm()
        + " of "
        + range.vm()
        + ", disk "
        + range.disk()
        + ": "
        + range.lengthBytes()
        + " bytes from "
        + range.offsetBytes();
  }
}
