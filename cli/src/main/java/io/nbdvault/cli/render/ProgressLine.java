package io.nbdvault.cli.render;

import io.nbdvault.engine.JobEvent;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * One line of a terminal that shows how far a job is and is drawn over itself:
 *
 * <pre>{@code
 * 34% [=====>         ] 1.2G of 3.4G  123M/s  0:19 left  new 800M  dedup 412M
 * }</pre>
 *
 * <p>What does not fit the terminal's width is left out, the least important first. Not safe for
 * several threads at once.
 */
public final class ProgressLine {
  private static final String ERASE = "\r\u001b[K";
  private static final int BAR_WIDTH_MIN = 10;
  private static final int BAR_WIDTH_MAX = 30;

  /** How fast the shown rate follows the measured one: the weight of one second. */
  private static final double SMOOTHING_SECONDS = 5;

  private final PrintStream terminal;
  private final int width;
  private final LongSupplier nanoTime;
  private String phase = "";
  private boolean started;
  private boolean shown;
  private long lastNanos;
  private long lastBytes;
  private double bytesPerSecond;

  /**
   * @param terminal stderr
   * @param columns the terminal's width
   */
  public ProgressLine(PrintStream terminal, int columns) {
    this(terminal, columns, System::nanoTime);
  }

  ProgressLine(PrintStream terminal, int columns, LongSupplier nanoTime) {
    this.terminal = terminal;
    // A character in the last column makes some terminals wrap.
    this.width = Math.max(1, columns - 1);
    this.nanoTime = nanoTime;
  }

  /** Draws the line anew, for a job of several phases: each has a rate of its own. */
  public void draw(JobEvent.PhaseProgress step) {
    if (!step.phase().equals(phase)) {
      phase = step.phase();
      started = false;
      bytesPerSecond = 0;
    }
    measure(step.done());
    terminal.print(ERASE + text(step));
    terminal.flush();
    shown = true;
  }

  /** Draws the line anew, once there is something to do. */
  public void draw(JobEvent.Progress progress) {
    if (progress.doneBytes() == 0 && progress.expectedBytes() == 0) {
      return; // Neither begun nor done: all that a bar could say would be wrong.
    }
    measure(progress.doneBytes());
    terminal.print(ERASE + text(progress));
    terminal.flush();
    shown = true;
  }

  /** Takes the line away; the cursor stands at its beginning. */
  public void clear() {
    if (shown) {
      terminal.print(ERASE);
      terminal.flush();
      shown = false;
    }
  }

  private void measure(long doneBytes) {
    long now = nanoTime.getAsLong();
    double seconds = (now - lastNanos) / 1e9;
    if (!started) {
      started = true;
    } else if (seconds > 0) {
      double current = Math.max(0, doneBytes - lastBytes) / seconds;
      double weight = bytesPerSecond == 0 ? 1 : 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
      bytesPerSecond += weight * (current - bytesPerSecond);
    } else {
      return;
    }
    lastNanos = now;
    lastBytes = doneBytes;
  }

  private String text(JobEvent.Progress progress) {
    long done = progress.doneBytes();
    long expected = Math.max(done, progress.expectedBytes());
    return text("", done, expected, parts(progress, done, expected));
  }

  private String text(JobEvent.PhaseProgress step) {
    long done = step.done();
    if (step.expected() == 0) {
      return Printable.fit(step.phase() + (done == 0 ? "" : " " + amount(step, done)), width);
    }
    long expected = Math.max(done, step.expected());
    List<String> parts =
        List.of(" " + amount(step, done) + " of " + amount(step, expected), left(expected));
    return text(step.phase() + " ", done, expected, parts);
  }

  private static String amount(JobEvent.PhaseProgress step, long count) {
    return step.inBytes() ? Amounts.bytes(count) : String.valueOf(count);
  }

  private String left(long expected) {
    return bytesPerSecond < 1 || expected == lastBytes
        ? ""
        : "  " + Amounts.clock((long) ((expected - lastBytes) / bytesPerSecond)) + " left";
  }

  private String text(String title, long done, long expected, List<String> parts) {
    double share = expected == 0 ? 1 : (double) done / expected;
    String head = title + String.format(Locale.ROOT, "%3d%%", (int) (100 * share));
    StringBuilder tail = new StringBuilder();
    for (String part : parts) {
      if (head.length() + tail.length() + part.length() <= width) {
        tail.append(part);
      }
    }
    int barWidth = Math.min(BAR_WIDTH_MAX, width - head.length() - tail.length() - 3);
    String bar = barWidth < BAR_WIDTH_MIN ? "" : " " + bar(share, barWidth);
    return Printable.fit(head + bar + tail, width);
  }

  /** The parts of the line, the most important first. */
  private List<String> parts(JobEvent.Progress progress, long done, long expected) {
    boolean known = bytesPerSecond >= 1;
    return List.of(
        " " + Amounts.bytes(done) + " of " + Amounts.bytes(expected),
        known ? "  " + Amounts.bytes((long) bytesPerSecond) + "/s" : "",
        left(expected),
        contentPart("new", progress.newBytes()),
        contentPart("dedup", progress.duplicateBytes()));
  }

  /** A restore stores nothing, so it has nothing to say here. */
  private static String contentPart(String name, long bytes) {
    return bytes == 0 ? "" : "  " + name + " " + Amounts.bytes(bytes);
  }

  private static String bar(double share, int width) {
    int filled = (int) (share * width);
    String head = filled == 0 || filled == width ? "" : ">";
    String body = "=".repeat(filled - head.length());
    return "[" + body + head + " ".repeat(width - filled) + "]";
  }
}
