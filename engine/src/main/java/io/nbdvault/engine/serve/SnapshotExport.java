package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.server.Export;
import io.nbdvault.nbd.server.ExportException;
import io.nbdvault.nbd.server.ExportInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** A disk of a snapshot, as one connection sees it: nothing of it ever changes. */
final class SnapshotExport implements Export {
  /** Opens the snapshot that a metadata context names. */
  @FunctionalInterface
  interface ContextOpener {
    /**
     * Opens it; the caller closes it.
     *
     * @throws IOException if there is none
     */
    SharedSnapshot open(String context) throws IOException;
  }

  private final ExportInfo info;
  private final SharedSnapshot snapshot;
  private final SnapshotDisk disk;
  private final ContextOpener opener;
  private final ReadAhead readAhead;
  private final ReadAheadPool pool;

  @GuardedBy("others")
  private final Map<String, SharedSnapshot> others = new HashMap<>();

  /**
   * @param snapshot owned from here on
   */
  SnapshotExport(
      ExportInfo info,
      SharedSnapshot snapshot,
      SnapshotDisk disk,
      ContextOpener opener,
      ReadAhead readAhead,
      ReadAheadPool pool) {
    this.info = info;
    this.snapshot = snapshot;
    this.disk = disk;
    this.opener = opener;
    this.readAhead = readAhead;
    this.pool = pool;
  }

  @Override
  public ExportInfo info() {
    return info;
  }

  @Override
  public void read(long offsetBytes, int lengthBytes, ReadSink sink) throws IOException {
    ReadAhead.Chunks ahead = readAhead.request(offsetBytes, lengthBytes);
    if (!ahead.isEmpty()) {
      submit(ahead);
    }
    disk.read(offsetBytes, lengthBytes, sink);
  }

  /** In pieces, so that several threads share what is wanted first. */
  private void submit(ReadAhead.Chunks ahead) {
    long step = Math.max(1, (128 << 10) / disk.chunkSizeBytes());
    for (long first = ahead.first(); first < ahead.end(); first += step) {
      long from = first;
      long end = Math.min(ahead.end(), first + step);
      pool.submit(() -> disk.readAhead(from, end));
    }
  }

  @Override
  public void extents(String context, long offsetBytes, long lengthBytes, ExtentVisitor visitor)
      throws IOException {
    ExtentRuns runs = new ExtentRuns(offsetBytes, lengthBytes, visitor);
    if (context.equals(Contexts.ALLOCATION)) {
      disk.showAllocation(runs);
    } else {
      disk.showChanges(other(context), runs);
    }
    runs.finish();
  }

  private SharedSnapshot other(String context) throws IOException {
    synchronized (others) {
      SharedSnapshot known = others.get(context);
      if (known == null) {
        known = opener.open(context);
        others.put(context, known);
      }
      return known;
    }
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source, boolean isDurable) throws IOException {
    throw readOnly(offsetBytes);
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes, boolean mayPunchHole, boolean isDurable)
      throws IOException {
    throw readOnly(offsetBytes);
  }

  @Override
  public void trim(long offsetBytes, long lengthBytes, boolean isDurable) throws IOException {
    throw readOnly(offsetBytes);
  }

  private static ExportException readOnly(long offsetBytes) {
    return new ExportException(NbdErrno.EPERM, offsetBytes, "A snapshot cannot be written");
  }

  /** There is nothing that could be lost. */
  @Override
  public void flush() {}

  @Override
  public void close() {
    synchronized (others) {
      others.values().forEach(SharedSnapshot::close);
      others.clear();
    }
    snapshot.close();
  }
}
