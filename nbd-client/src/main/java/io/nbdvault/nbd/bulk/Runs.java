package io.nbdvault.nbd.bulk;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** Runs in ascending order, of which adjacent ones become one. */
final class Runs {
  private final ArrayDeque<Run> runs = new ArrayDeque<>();
  private long bytes;

  /** Adds a run behind all others. */
  void add(long offsetBytes, long lengthBytes) {
    bytes += lengthBytes;
    Run last = runs.peekLast();
    if (last != null && last.endBytes() == offsetBytes) {
      runs.removeLast();
      runs.addLast(new Run(last.offsetBytes(), last.lengthBytes() + lengthBytes));
    } else {
      runs.addLast(new Run(offsetBytes, lengthBytes));
    }
  }

  /** The first run, or null. */
  @Nullable Run first() {
    return runs.peekFirst();
  }

  /** Takes at most that many bytes off the first run, which there must be. */
  Run take(long bytesMax) {
    Run first = runs.removeFirst();
    Run taken = first;
    if (first.lengthBytes() > bytesMax) {
      taken = new Run(first.offsetBytes(), bytesMax);
      runs.addFirst(new Run(taken.endBytes(), first.lengthBytes() - bytesMax));
    }
    bytes -= taken.lengthBytes();
    return taken;
  }

  /** Bytes in all runs together. */
  long bytes() {
    return bytes;
  }

  /** How many runs there are. */
  int count() {
    return runs.size();
  }

  boolean isEmpty() {
    return runs.isEmpty();
  }

  void clear() {
    runs.clear();
    bytes = 0;
  }
}
