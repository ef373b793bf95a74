package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Sums a map up: how much of an export has which status. */
public final class MapTotals {
  /** A server may number layers as it likes; nobody reads a summary of more kinds than this. */
  private static final int KINDS_MAX = 4096;

  private final String context;
  private final long exportBytes;
  private final Map<Long, Long> bytesByFlags = new TreeMap<>(Long::compareUnsigned);

  /**
   * How much has one status.
   *
   * @param percent of the export's size, 0..100
   */
  public record Total(String context, long flags, long lengthBytes, double percent) {
    /** The line that {@code nbdinfo --map --totals} prints. */
    public String line() {
      String number = Long.toUnsignedString(flags);
      String line = String.format(Locale.ROOT, "%10d %5.1f%% %3s", lengthBytes, percent, number);
      return ExtentDescription.of(context, flags).map(text -> line + " " + text).orElse(line);
    }
  }

  /**
   * @param exportBytes the size of which the percentages are
   */
  public MapTotals(String context, long exportBytes) {
    this.context = context;
    this.exportBytes = exportBytes;
  }

  /** Adds a run. */
  public void add(MapRow row) throws JobException {
    bytesByFlags.merge(row.flags(), row.lengthBytes(), Long::sum);
    if (bytesByFlags.size() > KINDS_MAX) {
      throw JobException.failed(context + ": more than " + KINDS_MAX + " different statuses");
    }
  }

  /** The totals, by ascending status. */
  public List<Total> totals() {
    return bytesByFlags.entrySet().stream()
        .map(
            kind ->
                new Total(
                    context, kind.getKey(), kind.getValue(), 100.0 * kind.getValue() / exportBytes))
        .toList();
  }
}
