package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.engine.serve.overlay.Overlay;
import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.SourceExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A disk with what its overlay has of it: everything else is as in the snapshot below. */
final class OverlaySourceDisk implements SourceDisk {
  private static final int EXTENTS_MAX = 1024;

  private final DiskRecord disk;
  private final Overlay overlay;

  /**
   * @param overlay borrowed; nobody may write to it meanwhile
   */
  OverlaySourceDisk(DiskRecord disk, Overlay overlay) {
    this.disk = disk;
    this.overlay = overlay;
  }

  @Override
  public String name() {
    return disk.name();
  }

  @Override
  public long sizeBytes() {
    return disk.sizeBytes();
  }

  @Override
  public String format() {
    return disk.format();
  }

  /** Nothing but what is in the overlay can have changed. */
  @Override
  public Optional<String> fullReason() {
    return Optional.empty();
  }

  /** No bitmap has recorded what is written from now on. */
  @Override
  public Optional<Checkpoint> checkpoint() {
    return Optional.empty();
  }

  @Override
  public long expectedBytes() {
    return overlay.dataBytes();
  }

  @Override
  public CompletableFuture<List<SourceExtent>> extents(long offsetBytes, long lengthBytes) {
    long end = offsetBytes + lengthBytes;
    List<SourceExtent> extents = new ArrayList<>();
    long position = offsetBytes;
    while (position < end && extents.size() < EXTENTS_MAX) {
      Overlay.Run run = overlay.run(position, end);
      ExtentKind kind =
          switch (run.state()) {
            case BELOW -> ExtentKind.UNCHANGED;
            case DATA -> ExtentKind.DATA;
            case ZERO -> ExtentKind.ZERO;
          };
      extents.add(new SourceExtent(position, run.endBytes() - position, kind));
      position = run.endBytes();
    }
    return CompletableFuture.completedFuture(extents);
  }

  /** Reads before it returns: the file is near. */
  @Override
  public CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination) {
    try {
      overlay.readData(offsetBytes, destination);
      return CompletableFuture.completedFuture(null);
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** The overlay stays open: it is its owner's. */
  @Override
  public void close() {}
}
