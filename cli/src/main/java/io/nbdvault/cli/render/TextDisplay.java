package io.nbdvault.cli.render;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobEvent;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import org.jspecify.annotations.Nullable;

/**
 * Shows a job to a person: what happens on stderr, with a progress line where that is a terminal;
 * what came out of it on stdout.
 */
public final class TextDisplay implements JobDisplay {
  /** More lines than this nobody reads; {@code --json} has them all. */
  private static final int LOST_LINES_MAX = 100;

  private final PrintStream out;
  private final PrintStream err;
  private final boolean quiet;
  private final ZoneId zone;
  private final @Nullable ProgressLine progress;
  private final String prefix;

  @GuardedBy("this")
  private @Nullable SnapshotRecord committed;

  @GuardedBy("this")
  private int removed;

  @GuardedBy("this")
  private int lostRanges;

  /**
   * @param quiet whether only warnings are shown
   * @param zone the time zone of what is shown
   * @param progress where there is a terminal to draw it on
   */
  public TextDisplay(
      PrintStream out,
      PrintStream err,
      boolean quiet,
      ZoneId zone,
      @Nullable ProgressLine progress) {
    this(out, err, quiet, zone, progress, "");
  }

  /**
   * As above.
   *
   * @param prefix what each line but the summary begins with
   */
  public TextDisplay(
      PrintStream out,
      PrintStream err,
      boolean quiet,
      ZoneId zone,
      @Nullable ProgressLine progress,
      String prefix) {
    this.out = out;
    this.err = err;
    this.quiet = quiet;
    this.zone = zone;
    this.progress = progress;
    this.prefix = prefix;
  }

  @Override
  public synchronized void onEvent(JobEvent event) {
    if (event instanceof JobEvent.Progress step) {
      if (progress != null) {
        progress.draw(step);
      }
    } else if (event instanceof JobEvent.PhaseProgress step) {
      if (progress != null) {
        progress.draw(step);
      }
    } else if (event instanceof JobEvent.DiskStarted disk) {
      disk.fullReason().ifPresent(why -> note("disk " + disk.disk() + ": read in full: " + why));
    } else if (event instanceof JobEvent.DiskSkipped disk) {
      note("disk " + disk.disk() + ": left out: " + disk.reason());
    } else if (event instanceof JobEvent.Warning warning) {
      print(err, "nbdvault: warning: " + prefix + warning.message());
    } else if (event instanceof JobEvent.Removed thing) {
      removed++;
      note("removed " + thing.kind() + " " + thing.name());
    } else if (event instanceof JobEvent.Lost loss) {
      lost(loss.range());
    } else if (event instanceof JobEvent.Committed commit) {
      committed = commit.snapshot();
    } else if (event instanceof JobEvent.Restored disk) {
      result(
          disk.disk()
              + ": "
              + Amounts.bytes(disk.sizeBytes())
              + " restored to "
              + disk.target()
              + ", "
              + disk.difference()
                  .map(TextDisplay::amounts)
                  .orElseGet(() -> Amounts.bytes(disk.dataBytes()) + " of it data"));
    }
  }

  private static String amounts(DiskDifference difference) {
    return Amounts.bytes(difference.readBytes())
        + " of it read, "
        + Amounts.bytes(difference.writtenBytes())
        + " written, "
        + Amounts.bytes(difference.zeroedBytes())
        + " zeroed, "
        + Amounts.bytes(difference.equalBytes())
        + " equal";
  }

  /** Shown also if only warnings are: nobody may take this for the disk as it was. */
  @GuardedBy("this")
  private void lost(DamagedRange range) {
    lostRanges++;
    if (lostRanges <= LOST_LINES_MAX) {
      print(
          out,
          prefix
              + range.disk()
              + ": cannot be read, zeroes instead: "
              + range.lengthBytes()
              + " bytes from "
              + range.offsetBytes());
    } else if (lostRanges == LOST_LINES_MAX + 1) {
      print(out, prefix + range.disk() + ": and more: see them with --json");
    }
  }

  @Override
  public synchronized void restored(SnapshotRecord snapshot, Duration took) {
    result(
        "snapshot "
            + snapshot.id().shortForm()
            + " of "
            + snapshot.vm()
            + ", "
            + Times.second(snapshot.time(), zone)
            + ", restored in "
            + Amounts.took(took));
  }

  @Override
  public synchronized void copied(
      String source, String destination, long sizeBytes, long dataBytes, Duration took) {
    result(
        Amounts.bytes(sizeBytes)
            + " copied to "
            + destination
            + ", "
            + Amounts.bytes(dataBytes)
            + " of it read, in "
            + Amounts.took(took));
  }

  @Override
  public synchronized void cleanedUp(Path qmpSocket) {
    result(
        removed == 0
            ? "nothing of nbdvault was left in the QEMU at " + qmpSocket
            : "removed what was left in the QEMU at " + qmpSocket + ": " + removed);
  }

  @Override
  public synchronized void close() {
    if (progress != null) {
      progress.clear();
    }
    if (committed != null && !quiet) {
      BackupSummary.lines(committed, zone).forEach(out::println);
      out.flush();
    }
    committed = null;
  }

  private void note(String text) {
    if (!quiet) {
      print(err, prefix + text);
    }
  }

  private void result(String text) {
    if (!quiet) {
      print(out, prefix + text);
    }
  }

  /** Both streams may be the same terminal: the progress line makes room first. */
  private void print(PrintStream stream, String text) {
    if (progress != null) {
      progress.clear();
    }
    stream.println(Printable.line(text));
    stream.flush();
  }
}
