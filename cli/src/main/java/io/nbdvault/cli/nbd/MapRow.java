package io.nbdvault.cli.nbd;

import java.util.Locale;

/**
 * A run of an export with one status in one metadata context.
 *
 * @param context the context's name
 * @param offsetBytes where it begins, at least 0
 * @param lengthBytes at least 1
 * @param flags the status, whose meaning is the context's
 */
public record MapRow(String context, long offsetBytes, long lengthBytes, long flags) {
  public MapRow {
    if (offsetBytes < 0) {
      throw new IllegalArgumentException("offsetBytes: " + offsetBytes + " (expected: >= 0)");
    }
    if (lengthBytes < 1) {
      throw new IllegalArgumentException("lengthBytes: " + lengthBytes + " (expected: >= 1)");
    }
  }

  /** The run and what follows it, which must have the same status. */
  MapRow extended(long moreBytes) {
    return new MapRow(context, offsetBytes, lengthBytes + moreBytes, flags);
  }

  /** The line that {@code nbdinfo --map} prints. */
  public String line() {
    String number = Long.toUnsignedString(flags);
    String line = String.format(Locale.ROOT, "%10d  %10d  %3s", offsetBytes, lengthBytes, number);
    return ExtentDescription.of(context, flags).map(text -> line + "  " + text).orElse(line);
  }
}
