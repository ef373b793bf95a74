package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.engine.maintenance.DiffJob;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;

/** Shows differences to a person: a line for each range, and a sum for each disk. */
public final class DiffText implements DiffDisplay {
  private final PrintStream out;
  private final DiffJob.Pair pair;
  private Optional<DiffTotals> disk = Optional.empty();

  public DiffText(PrintStream out, DiffJob.Pair pair) {
    this.out = out;
    this.pair = pair;
  }

  @Override
  public boolean disk(String name, Optional<DiskRecord> from, Optional<DiskRecord> to) {
    end();
    if (from.isPresent() && to.isPresent()) {
      disk = Optional.of(DiffTotals.none(name));
      long before = from.get().sizeBytes();
      long after = to.get().sizeBytes();
      if (before != after) {
        out.println(
            "disk " + name(name) + ": " + Amounts.bytes(before) + ", then " + Amounts.bytes(after));
      }
      return true;
    }
    String only = (from.isPresent() ? pair.from() : pair.to()).id().shortForm();
    long size = from.or(() -> to).map(DiskRecord::sizeBytes).orElse(0L);
    out.println("disk " + name(name) + ": " + Amounts.bytes(size) + ", only in " + only);
    return true;
  }

  @Override
  public void range(long offsetBytes, long lengthBytes) {
    DiffTotals totals = disk.orElseThrow(() -> new IllegalStateException("a range of no disk"));
    if (totals.ranges() == 0) {
      out.println("disk " + name(totals.disk()) + ":");
      out.println(String.format(Locale.ROOT, "%18s %18s", "OFFSET", "LENGTH"));
    }
    disk = Optional.of(totals.plus(lengthBytes));
    out.println(String.format(Locale.ROOT, "%18d %18d", offsetBytes, lengthBytes));
  }

  @Override
  public void end() {
    disk.ifPresent(
        totals ->
            out.println(
                "disk "
                    + name(totals.disk())
                    + ": "
                    + (totals.ranges() == 0
                        ? "no difference"
                        : Amounts.bytes(totals.differentBytes())
                            + " differ, ranges: "
                            + totals.ranges())));
    disk = Optional.empty();
  }

  private static String name(String disk) {
    return Printable.line(disk);
  }
}
