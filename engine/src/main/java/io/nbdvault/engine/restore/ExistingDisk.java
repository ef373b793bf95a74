package io.nbdvault.engine.restore;

import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.pipeline.DiskReverting;
import io.nbdvault.engine.pipeline.LostRanges;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import io.nbdvault.engine.qemu.WritableImage;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.engine.source.NbdSourceDisk;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A disk that is there already and gets what differs, in place. From its first write until it is
 * complete it is neither what it was nor the snapshot's; the same again completes it.
 */
final class ExistingDisk implements RestoreTarget {
  private static final String BEHIND_A_SERVER =
      "nothing proves what has changed behind an NBD server";

  private final String name;
  private final NbdTarget disk;
  private final SourceDisk current;
  private final Optional<WritableImage> image;
  private final EngineLimits limits;
  private final JobListener listener;
  private volatile boolean touched;

  private ExistingDisk(
      String name,
      NbdTarget disk,
      SourceDisk current,
      Optional<WritableImage> image,
      EngineLimits limits,
      JobListener listener) {
    this.name = name;
    this.disk = disk;
    this.current = current;
    this.image = image;
    this.limits = limits;
    this.listener = listener;
  }

  /**
   * Where a disk is.
   *
   * @param name what the user knows the place by
   * @param disk what the user knows the disk by
   * @param image where it is ours alone for now; else it is behind somebody's server
   * @param raw the file or device that has the disk's bytes as they are
   */
  private record Place(
      String name, String disk, NbdUri uri, Optional<WritableImage> image, Optional<Path> raw) {
    Optional<String> fullReason() {
      return image.isPresent() ? image.get().fullReason() : Optional.of(BEHIND_A_SERVER);
    }
  }

  /** A disk behind somebody else's server. */
  static ExistingDisk ofServer(String disk, NbdUri uri, EngineLimits limits, JobListener listener)
      throws IOException {
    // A server may take no second connection, and need not show it what the first has written.
    Place place = new Place(uri.toString(), disk, uri, Optional.empty(), Optional.empty());
    return connect(place, 1, limits, listener);
  }

  /** An image or a device, which is closed with this. */
  static ExistingDisk ofImage(
      Path file,
      ImageFormat format,
      String disk,
      WritableImage image,
      EngineLimits limits,
      JobListener listener)
      throws IOException {
    Optional<Path> raw = format == ImageFormat.RAW ? Optional.of(file) : Optional.empty();
    Place place = new Place(file.toString(), disk, image.uri(), Optional.of(image), raw);
    return connect(place, limits.connections(), limits, listener);
  }

  private static ExistingDisk connect(
      Place place, int connections, EngineLimits limits, JobListener listener) throws IOException {
    Optional<String> dirty = place.image().flatMap(WritableImage::dirtyContext);
    NbdTarget disk = NbdTarget.connectToCompare(place.uri(), connections, dirty);
    boolean opened = false;
    try {
      SourceDisk served =
          disk.current(
              new NbdSourceDisk.Description(
                  place.disk(), "nbd", place.fullReason(), Optional.empty(), Long.MAX_VALUE),
              dirty);
      SourceDisk current =
          place.raw().isPresent() ? DirectDisk.of(place.raw().get(), served) : served;
      opened = true;
      return new ExistingDisk(place.name(), disk, current, place.image(), limits, listener);
    } finally {
      if (!opened) {
        disk.close();
      }
    }
  }

  long sizeBytes() {
    return disk.sizeBytes();
  }

  boolean readOnly() {
    return disk.readOnly();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean startsZeroed() {
    return false;
  }

  @Override
  public Filled fill(
      Pipeline pipeline, Wanted wanted, ProgressMeter meter, Optional<LostRanges> lost)
      throws JobException, IOException, InterruptedException {
    listener.onEvent(
        new JobEvent.DiskStarted(
            wanted.name(),
            wanted.content().sizeBytes(),
            current.fullReason().isEmpty(),
            current.fullReason()));
    boolean done = false;
    try {
      DiskDifference difference =
          new DiskReverting(pipeline, current, wanted.content(), this, meter).run();
      done = true;
      return new Filled(wanted.dataBytes(), Optional.of(difference));
    } finally {
      if (!done && touched) {
        listener.onEvent(
            new JobEvent.Warning(
                name
                    + " is neither what it was nor the snapshot's disk now: the same restore"
                    + " --delta again completes it"));
      }
    }
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source) throws IOException {
    touched = true;
    disk.write(offsetBytes, source);
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes) throws IOException {
    touched = true;
    disk.zero(offsetBytes, lengthBytes);
  }

  @Override
  public void complete() throws IOException, JobException, InterruptedException {
    disk.complete();
    current.close();
    if (image.isPresent()) {
      image.get().complete(limits, listener);
    }
  }

  @Override
  public void publish() {
    // It has been under its own name from the start.
  }

  @Override
  public void close() throws IOException {
    current.close();
    if (image.isPresent()) {
      try {
        image.get().close();
      } catch (JobException e) {
        throw new IOException(JobException.sentence(e), e);
      }
    }
  }
}
