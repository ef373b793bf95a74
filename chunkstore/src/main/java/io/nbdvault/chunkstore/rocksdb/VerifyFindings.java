package io.nbdvault.chunkstore.rocksdb;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.UnlistedContent;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a verification has found so far. Any thread may add; the lists are bounded. */
final class VerifyFindings {
  private static final Logger LOG = LoggerFactory.getLogger(VerifyFindings.class);
  private static final int ITEMS_MAX = 10_000;

  @GuardedBy("this")
  private final Roaring64Bitmap suspects = new Roaring64Bitmap();

  @GuardedBy("this")
  private final Map<String, DamagedItem> items = new LinkedHashMap<>();

  @GuardedBy("this")
  private final Map<IndexKey, DamagedContent> contents = new LinkedHashMap<>();

  /** Ordinals of the content for which there was no room in {@link #contents}. */
  @GuardedBy("this")
  private final Roaring64Bitmap unlisted = new Roaring64Bitmap();

  @GuardedBy("this")
  private long contentsFound;

  @GuardedBy("this")
  private final List<DamagedRange> ranges = new ArrayList<>();

  @GuardedBy("this")
  private @Nullable DamagedRange lastRange;

  @GuardedBy("this")
  private long rangesFound;

  private final int contentsMax;
  private final AtomicLong records = new AtomicLong();
  private final AtomicLong readBytes = new AtomicLong();

  /**
   * Makes findings of nothing.
   *
   * @param contentsMax how much damaged content is listed
   */
  VerifyFindings(int contentsMax) {
    this.contentsMax = contentsMax;
  }

  /** Notes an ordinal whose record must be looked at again: perhaps it was being collected. */
  synchronized void suspect(long ordinal, String reason) {
    suspects.addLong(ordinal);
    LOG.debug("ordinal={} suspect=\"{}\"", ordinal, reason);
  }

  /** A copy of what {@link #suspect} has noted. */
  synchronized Roaring64Bitmap suspects() {
    Roaring64Bitmap copy = new Roaring64Bitmap();
    copy.or(suspects);
    return copy;
  }

  synchronized boolean hasSuspects() {
    return !suspects.isEmpty();
  }

  /** Notes damage of something other than content, once for each name. */
  synchronized void item(String what, String reason) {
    if (items.size() < ITEMS_MAX) {
      items.putIfAbsent(what, new DamagedItem(what, reason));
    }
  }

  /**
   * Notes damaged content, once for each id, or for each ordinal where there is no room any more.
   */
  synchronized void content(IndexKey key, OptionalLong ordinal, String reason) {
    if (contents.containsKey(key)
        || (ordinal.isPresent() && unlisted.contains(ordinal.getAsLong()))) {
      return;
    }
    contentsFound++;
    if (contents.size() < contentsMax) {
      boolean isNode = key.type() == RecordType.NODE;
      contents.put(key, new DamagedContent(key.id(), isNode, ordinal, reason));
    } else if (ordinal.isPresent()) {
      unlisted.addLong(ordinal.getAsLong());
    }
  }

  /** Notes a damaged range. Ranges of a disk come in ascending order; adjacent ones become one. */
  synchronized void range(DamagedRange range) {
    DamagedRange last = lastRange;
    boolean adjacent =
        last != null
            && last.snapshot().equals(range.snapshot())
            && last.disk().equals(range.disk())
            && last.offsetBytes() + last.lengthBytes() == range.offsetBytes();
    if (last != null && adjacent) {
      lastRange = joined(last, range);
      if (rangesFound == ranges.size()) {
        ranges.set(ranges.size() - 1, lastRange);
      }
      return;
    }
    lastRange = range;
    rangesFound++;
    if (ranges.size() < VerifyReport.RANGES_MAX) {
      ranges.add(range);
    }
  }

  private static DamagedRange joined(DamagedRange first, DamagedRange second) {
    return new DamagedRange(
        first.snapshot(),
        first.vm(),
        first.disk(),
        first.offsetBytes(),
        first.lengthBytes() + second.lengthBytes());
  }

  synchronized boolean hasContent() {
    return contentsFound > 0;
  }

  /** Whether some content was found damaged, as far as there was room to note it. */
  synchronized boolean mayBeDamaged(IndexKey key) {
    return contentsFound > contents.size() || contents.containsKey(key);
  }

  /** What is damaged or may be, for the progress. */
  synchronized long damaged() {
    return Math.max(contentsFound, suspects.getLongCardinality());
  }

  void addRecords(long count, long bytes) {
    records.addAndGet(count);
    readBytes.addAndGet(bytes);
  }

  long records() {
    return records.get();
  }

  long readBytes() {
    return readBytes.get();
  }

  synchronized VerifyReport report(int snapshots, boolean located, long flagged, boolean complete) {
    return new VerifyReport(
        snapshots,
        records.get(),
        readBytes.get(),
        new ArrayList<>(items.values()),
        new ArrayList<>(contents.values()),
        contentsFound,
        new UnlistedContent(unlisted),
        ranges,
        rangesFound,
        located,
        flagged,
        complete);
  }
}
