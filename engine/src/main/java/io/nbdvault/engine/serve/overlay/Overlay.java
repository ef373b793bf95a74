package io.nbdvault.engine.serve.overlay;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What was written to a disk of a snapshot, in a file. Any thread may use it.
 *
 * <p>Durability. A cluster's data has one place in the file, so that nothing can ever show in the
 * place of another cluster. The first write to a cluster puts all of it there, what is below
 * included, and only then is it said in memory that it is there. A flush makes the data durable,
 * then writes which clusters have some, as was known before, and makes that durable: so the map in
 * the file never names data that might be lost. Killed or without power at any moment, the file
 * opens, all that was flushed is there, and of every byte that was written since there is either
 * the old or the new.
 *
 * <p>Locks, in this order: {@link #flushing}, then a cluster's stripe, then the map.
 */
public final class Overlay implements AutoCloseable {
  /** What is below. */
  @FunctionalInterface
  public interface Below {
    /** Fills {@code destination} with what is there from {@code offsetBytes} on. */
    void read(long offsetBytes, ByteBuffer destination) throws IOException;
  }

  /**
   * A part of the disk that was of one state at one instant.
   *
   * @param endBytes where it ends
   */
  public record Run(ClusterState state, long endBytes) {}

  private static final int STRIPES = 64;

  private final OverlayHeader header;
  private final OverlayLayout layout;
  private final DurableFile file;
  private final OverlayMap map;
  private final Lock[] stripes = new Lock[STRIPES];

  /** Goes up after each change of the file or of the map. */
  private final AtomicLong changes = new AtomicLong();

  private final Object flushing = new Object();

  /** What {@link #changes} was before the last flush: all of that is durable. */
  @GuardedBy("flushing")
  private long durableChanges;

  private volatile @Nullable IOException failure;

  private Overlay(OverlayHeader header, DurableFile file, OverlayMap map) {
    this.header = header;
    this.layout = OverlayLayout.of(header);
    this.file = file;
    this.map = map;
    for (int stripe = 0; stripe < STRIPES; stripe++) {
      stripes[stripe] = new ReentrantLock();
    }
  }

  /**
   * Opens an overlay. Takes ownership of the file if it succeeds.
   *
   * @throws DamagedOverlayException if it is none
   */
  static Overlay open(DurableFile file) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(OverlayHeader.BYTES);
    file.read(0, bytes);
    OverlayHeader header = OverlayHeader.decode(bytes.array());
    return new Overlay(header, file, OverlayMap.read(file, OverlayLayout.of(header)));
  }

  /** Makes the file of an overlay in which nothing is written; durable when this returns. */
  static void create(OverlayHeader header, DurableFile file) throws IOException {
    OverlayLayout layout = OverlayLayout.of(header);
    // The map gets its room now: a flush must not fail because there is none.
    for (int block = 0; block < layout.blockCount(); block++) {
      file.write(layout.slotOffset(block, 0), ByteBuffer.allocate(2 * OverlayMap.BLOCK_BYTES));
    }
    file.write(0, ByteBuffer.wrap(header.encode()));
    file.force();
  }

  /** What it lies over. */
  public OverlayHeader header() {
    return header;
  }

  /**
   * What begins at {@code offsetBytes} and is alike, at most up to {@code endBytes}: both within
   * the disk, the end behind the offset. State and length are of one instant, so that no cluster in
   * it is taken for what another one has become meanwhile.
   */
  public Run run(long offsetBytes, long endBytes) {
    OverlayMap.Run run = map.run(layout.clusterOf(offsetBytes), layout.clusterOf(endBytes - 1) + 1);
    return new Run(run.state(), Math.min(endBytes, layout.startOf(run.end())));
  }

  /** How many clusters the disk has. */
  public long clusterCount() {
    return layout.clusterCount();
  }

  /** Bytes of the disk in clusters that hold data. */
  public long dataBytes() {
    long bytes = 0;
    long position = 0;
    while (position < layout.sizeBytes()) {
      Run run = run(position, layout.sizeBytes());
      if (run.state() == ClusterState.DATA) {
        bytes += run.endBytes() - position;
      }
      position = run.endBytes();
    }
    return bytes;
  }

  /** Fills {@code destination} from a range of which all clusters hold data. */
  public void readData(long offsetBytes, ByteBuffer destination) throws IOException {
    file.read(layout.offsetOf(offsetBytes), destination);
  }

  /**
   * Writes all of {@code source}. Visible when this returns, durable after a {@link #flush}.
   *
   * @param below what clusters that are not written whole get the rest from
   */
  public void write(long offsetBytes, ByteBuffer source, Below below) throws IOException {
    requireWhole();
    long position = offsetBytes;
    int limit = source.limit();
    while (source.position() < limit) {
      long cluster = layout.clusterOf(position);
      int within = (int) (position - layout.startOf(cluster));
      int count = Math.min(layout.lengthOf(cluster) - within, limit - source.position());
      source.limit(source.position() + count);
      try {
        writeCluster(cluster, within, source, below);
      } finally {
        source.limit(limit);
      }
      position += count;
    }
  }

  private void writeCluster(long cluster, int within, ByteBuffer piece, Below below)
      throws IOException {
    Lock stripe = stripe(cluster);
    stripe.lock();
    try {
      ClusterState state = map.get(cluster);
      if (state == ClusterState.DATA) {
        file.write(layout.offsetOf(layout.startOf(cluster) + within), piece);
      } else {
        file.write(
            layout.offsetOf(layout.startOf(cluster)), whole(cluster, within, piece, state, below));
        map.set(cluster, ClusterState.DATA);
      }
      long unused = changes.incrementAndGet();
    } finally {
      stripe.unlock();
    }
  }

  private ByteBuffer whole(
      long cluster, int within, ByteBuffer piece, ClusterState state, Below below)
      throws IOException {
    int length = layout.lengthOf(cluster);
    if (piece.remaining() == length) {
      return piece;
    }
    ByteBuffer whole = ByteBuffer.allocate(length);
    if (state == ClusterState.BELOW) {
      below.read(layout.startOf(cluster), whole);
    }
    whole.position(within);
    whole.put(piece);
    return whole.rewind();
  }

  /**
   * Makes a range read as zeroes. Whole clusters cost a few bits of the map; the room that their
   * data had in the file is used again only by the same clusters.
   */
  public void zero(long offsetBytes, long lengthBytes, Below below) throws IOException {
    requireWhole();
    long end = offsetBytes + lengthBytes;
    long position = offsetBytes;
    while (position < end) {
      long cluster = layout.clusterOf(position);
      int within = (int) (position - layout.startOf(cluster));
      int length = layout.lengthOf(cluster);
      int count = (int) Math.min(length - within, end - position);
      if (count == length) {
        setZero(cluster);
      } else if (map.get(cluster) != ClusterState.ZERO) {
        writeCluster(cluster, within, ByteBuffer.allocate(count), below);
      }
      position += count;
    }
  }

  /** Lets whole clusters of the range read as zeroes, and leaves the rest as it is. */
  public void trim(long offsetBytes, long lengthBytes) throws IOException {
    requireWhole();
    long end = offsetBytes + lengthBytes;
    long cluster = layout.clusterOf(offsetBytes + layout.clusterBytes() - 1);
    while (cluster < layout.clusterCount()
        && layout.startOf(cluster) + layout.lengthOf(cluster) <= end) {
      setZero(cluster);
      cluster++;
    }
  }

  private void setZero(long cluster) {
    Lock stripe = stripe(cluster);
    stripe.lock();
    try {
      if (map.get(cluster) != ClusterState.ZERO) {
        map.set(cluster, ClusterState.ZERO);
        long unused = changes.incrementAndGet();
      }
    } finally {
      stripe.unlock();
    }
  }

  private Lock stripe(long cluster) {
    return stripes[(int) (cluster % STRIPES)];
  }

  /**
   * Makes everything durable whose write has returned. One that comes while another one runs waits
   * for it, and does nothing if that was all.
   *
   * @throws IOException if that failed; if it was the synchronisation itself nothing is written any
   *     more: what the system has dropped then, nobody knows
   */
  public void flush() throws IOException {
    synchronized (flushing) {
      requireWhole();
      long upTo = changes.get();
      if (upTo == durableChanges) {
        return;
      }
      OverlayMap.Changes states = map.take(); // Before the data, which is there already.
      force();
      if (!states.isEmpty()) {
        try {
          map.write(file, states);
        } catch (IOException e) {
          map.giveBack(states);
          throw e;
        }
        force();
        map.written(states);
      }
      durableChanges = upTo;
    }
  }

  private void force() throws IOException {
    try {
      file.force();
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }

  private void requireWhole() throws IOException {
    IOException failed = failure;
    if (failed != null) {
      throw new IOException("the overlay could not be synchronised before", failed);
    }
  }

  /** Flushes, closes the file and lets go of its lock. Nothing else may be under way. */
  @Override
  public void close() throws IOException {
    try (file) {
      if (failure == null) {
        flush();
      }
    }
  }
}
