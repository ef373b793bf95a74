package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.SnapshotRecord;
import java.time.ZoneId;

/** A snapshot in a sentence. */
public final class SnapshotLine {
  private SnapshotLine() {}

  /** Such as {@code snapshot 1a2b3c4d of web1, 2026-01-31 03:00:00 +0100}. */
  public static String of(SnapshotRecord snapshot, ZoneId zone) {
    return "snapshot "
        + snapshot.id().shortForm()
        + " of "
        + Printable.line(snapshot.vm())
        + ", "
        + Times.second(snapshot.time(), zone);
  }
}
