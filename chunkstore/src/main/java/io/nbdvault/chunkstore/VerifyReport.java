package io.nbdvault.chunkstore;

import java.util.List;

/**
 * What a verification found. The lists are bounded; the numbers count what is left out of them.
 *
 * @param snapshots how many snapshots were looked at
 * @param records how many records were read and checked
 * @param readBytes bytes of those records
 * @param items damage of other things than content
 * @param contents damaged content, at most {@link #CONTENTS_MAX}
 * @param contentsFound how much content is damaged in all
 * @param unlisted what of that is not among the contents, as far as it has a record
 * @param ranges which bytes of which disks cannot be read, adjacent ones as one; at most {@link
 *     #RANGES_MAX}
 * @param rangesFound how many ranges there are in all
 * @param located whether the disks could be searched for the damage, so that the ranges are all
 * @param flagged how much damaged content was newly flagged, so that the next backup that meets it
 *     stores it anew, or could be mended, as only its row in the index was wrong
 * @param complete whether everything that was asked for was looked at
 */
public record VerifyReport(
    int snapshots,
    long records,
    long readBytes,
    List<DamagedItem> items,
    List<DamagedContent> contents,
    long contentsFound,
    UnlistedContent unlisted,
    List<DamagedRange> ranges,
    long rangesFound,
    boolean located,
    long flagged,
    boolean complete) {
  /** Most content in a report. */
  public static final int CONTENTS_MAX = 100_000;

  /** Most ranges in a report. */
  public static final int RANGES_MAX = 100_000;

  /** Copies the lists. */
  public VerifyReport {
    items = List.copyOf(items);
    contents = List.copyOf(contents);
    ranges = List.copyOf(ranges);
  }

  /** The same, with how much was flagged since. */
  public VerifyReport withFlagged(long newlyFlagged) {
    return new VerifyReport(
        snapshots,
        records,
        readBytes,
        items,
        contents,
        contentsFound,
        unlisted,
        ranges,
        rangesFound,
        located,
        newlyFlagged,
        complete);
  }

  /** How much damaged content is not listed. */
  public long unlistedCount() {
    return contentsFound - contents.size();
  }

  /** Whether nothing damaged was found. */
  public boolean isClean() {
    return items.isEmpty() && contentsFound == 0 && rangesFound == 0;
  }
}
