package io.nbdvault.engine.serve;

import io.nbdvault.engine.serve.overlay.ClusterState;
import io.nbdvault.engine.serve.overlay.Overlay;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.server.Export;
import io.nbdvault.nbd.server.ExportException;
import io.nbdvault.nbd.server.ExportInfo;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A disk of a snapshot with an overlay that takes what is written, as one connection sees it. */
final class OverlayExport implements Export {
  private static final int BUFFER_BYTES_MAX = 256 << 10;
  private static final String NO_SPACE = "No space left on device";

  private final ExportInfo info;
  private final SnapshotExport below;
  private final Overlay overlay;
  private final SharedOverlays overlays;

  /**
   * @param below owned from here on
   * @param overlay given back when this is closed
   */
  OverlayExport(ExportInfo info, SnapshotExport below, Overlay overlay, SharedOverlays overlays) {
    this.info = info;
    this.below = below;
    this.overlay = overlay;
    this.overlays = overlays;
  }

  @Override
  public ExportInfo info() {
    return info;
  }

  /** Some clusters of one state. */
  private interface RunVisitor {
    /** Returns whether to go on. */
    boolean visit(ClusterState state, long offsetBytes, long lengthBytes) throws IOException;
  }

  private void forEachRun(long offsetBytes, long lengthBytes, RunVisitor visitor)
      throws IOException {
    long end = offsetBytes + lengthBytes;
    long position = offsetBytes;
    boolean goesOn = true;
    while (position < end && goesOn) {
      // It may change meanwhile: then what was read before is as good as what is read after.
      Overlay.Run run = overlay.run(position, end);
      goesOn = visitor.visit(run.state(), position, run.endBytes() - position);
      position = run.endBytes();
    }
  }

  @Override
  public void read(long offsetBytes, int lengthBytes, ReadSink sink) throws IOException {
    forEachRun(
        offsetBytes,
        lengthBytes,
        (state, offset, length) -> {
          switch (state) {
            case BELOW -> below.read(offset, (int) length, sink);
            case ZERO -> sink.hole(length);
            case DATA -> readData(offset, (int) length, sink);
          }
          return true;
        });
  }

  private void readData(long offsetBytes, int lengthBytes, ReadSink sink) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(Math.min(lengthBytes, BUFFER_BYTES_MAX));
    for (int done = 0; done < lengthBytes; done += buffer.limit()) {
      buffer.clear().limit(Math.min(buffer.capacity(), lengthBytes - done));
      overlay.readData(offsetBytes + done, buffer);
      sink.data(buffer.flip());
    }
  }

  @Override
  public void extents(String context, long offsetBytes, long lengthBytes, ExtentVisitor visitor)
      throws IOException {
    ExtentRuns runs = new ExtentRuns(offsetBytes, lengthBytes, visitor);
    boolean isAllocation = context.equals(Contexts.ALLOCATION);
    forEachRun(
        offsetBytes,
        lengthBytes,
        (state, offset, length) -> {
          switch (state) {
            case BELOW ->
                below.extents(
                    context,
                    offset,
                    length,
                    (extent, flags) -> runs.upTo(runs.reachedBytes() + extent, flags));
            case ZERO ->
                runs.upTo(
                    offset + length, isAllocation ? Contexts.HOLE_AND_ZERO : Contexts.CHANGED);
            case DATA ->
                runs.upTo(offset + length, isAllocation ? Contexts.DATA : Contexts.CHANGED);
          }
          return !runs.isOver();
        });
    runs.finish();
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source, boolean isDurable) throws IOException {
    change(offsetBytes, isDurable, () -> overlay.write(offsetBytes, source, this::readBelow));
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes, boolean mayPunchHole, boolean isDurable)
      throws IOException {
    change(
        offsetBytes,
        isDurable,
        () -> {
          if (mayPunchHole) {
            overlay.zero(offsetBytes, lengthBytes, this::readBelow);
          } else {
            writeZeroes(offsetBytes, lengthBytes);
          }
        });
  }

  /** So that the range has its room, and writing to it later cannot fail for want of it. */
  private void writeZeroes(long offsetBytes, long lengthBytes) throws IOException {
    for (long done = 0; done < lengthBytes; done += BUFFER_BYTES_MAX) {
      int count = (int) Math.min(BUFFER_BYTES_MAX, lengthBytes - done);
      overlay.write(offsetBytes + done, ByteBuffer.allocate(count), this::readBelow);
    }
  }

  @Override
  public void trim(long offsetBytes, long lengthBytes, boolean isDurable) throws IOException {
    change(offsetBytes, isDurable, () -> overlay.trim(offsetBytes, lengthBytes));
  }

  @Override
  public void flush() throws IOException {
    change(0, true, () -> {});
  }

  /** A change of the overlay. */
  private interface Change {
    void make() throws IOException;
  }

  private void change(long offsetBytes, boolean isDurable, Change change) throws IOException {
    try {
      change.make();
      if (isDurable) {
        overlay.flush();
      }
    } catch (ExportException e) {
      throw e;
    } catch (IOException e) {
      NbdErrno errno =
          NO_SPACE.equals(e.getMessage()) ? NbdErrno.ENOSPC : NbdErrno.EIO; // As the JDK says it.
      throw new ExportException(errno, offsetBytes, "The overlay: " + e.getMessage(), e);
    }
  }

  private void readBelow(long offsetBytes, ByteBuffer destination) throws IOException {
    int length = destination.remaining();
    below.read(
        offsetBytes,
        length,
        new ReadSink() {
          @Override
          public void data(ByteBuffer bytes) {
            destination.put(bytes);
          }

          @Override
          public void hole(long lengthBytes) {
            destination.position(destination.position() + (int) lengthBytes);
          }
        });
  }

  @Override
  public void close() {
    overlays.giveBack(overlay);
    below.close();
  }
}
