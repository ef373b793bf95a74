package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.WireString;
import io.nbdvault.nbd.server.Export.ReadSink;
import io.nbdvault.nbd.server.ExportException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A disk of an open snapshot, read by way of the caches. Any thread may use it. */
final class SnapshotDisk {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotDisk.class);

  private final SharedSnapshot snapshot;
  private final DiskRecord disk;
  private final int chunkSizeBytes;
  private final ChunkCache chunks;
  private final LeafCache leaves;

  /**
   * @param snapshot borrowed; it has the disk
   */
  SnapshotDisk(
      SharedSnapshot snapshot,
      DiskRecord disk,
      int chunkSizeBytes,
      ChunkCache chunks,
      LeafCache leaves) {
    this.snapshot = snapshot;
    this.disk = disk;
    this.chunkSizeBytes = chunkSizeBytes;
    this.chunks = chunks;
    this.leaves = leaves;
  }

  long sizeBytes() {
    return disk.sizeBytes();
  }

  int chunkSizeBytes() {
    return chunkSizeBytes;
  }

  /**
   * Reads a range within the disk. Every chunk is verified as it is read from the store.
   *
   * @throws ExportException of {@code EIO} if some of it cannot be read; the rest of the disk can
   */
  void read(long offsetBytes, int lengthBytes, ReadSink sink) throws IOException {
    long end = offsetBytes + lengthBytes;
    long position = offsetBytes;
    long holeBytes = 0;
    try {
      while (position < end) {
        long index = position / chunkSizeBytes;
        int within = (int) (position % chunkSizeBytes);
        int count = (int) Math.min(chunkSizeBytes - within, end - position);
        ChunkId id = id(index);
        if (id.isZero()) {
          holeBytes += count;
        } else {
          showHole(holeBytes, sink);
          holeBytes = 0;
          readChunk(index, id, within, count, sink);
        }
        position += count;
      }
      showHole(holeBytes, sink);
    } catch (DamagedException | StoreFailedException e) {
      throw unreadable(offsetBytes, lengthBytes, position, e);
    }
  }

  /** Reads chunks into the cache. What cannot be read is told to whoever asks for it. */
  void readAhead(long firstChunk, long endChunk) {
    try {
      for (long index = firstChunk; index < endChunk; index++) {
        ChunkId id = id(index);
        if (!id.isZero()) {
          chunks.readAhead(id, this::load);
        }
      }
    } catch (IOException | IllegalStateException e) {
      LOG.debug("read-ahead=failed snapshot={}", snapshot.record().id(), e);
    }
  }

  /**
   * Shows where data is, beginning where the runs have come to. What of the tree cannot be read
   * counts as data: whoever reads it gets the error.
   */
  void showAllocation(ExtentRuns runs) throws IOException {
    show(
        runs,
        Contexts.DATA,
        (first, end) -> {
          snapshot.use(
              reader -> {
                reader
                    .disk(disk.name())
                    .forEachChunk(
                        first,
                        end,
                        (index, id, length) ->
                            runs.upTo(index * chunkSizeBytes, Contexts.HOLE_AND_ZERO)
                                && runs.upTo((index + 1) * chunkSizeBytes, Contexts.DATA));
                return true;
              });
          runs.upTo(end * chunkSizeBytes, Contexts.HOLE_AND_ZERO);
        });
  }

  /** Likewise where it differs from the disk in another snapshot, which must have it. */
  void showChanges(SharedSnapshot earlier, ExtentRuns runs) throws IOException {
    show(
        runs,
        Contexts.CHANGED,
        (first, end) -> {
          earlier.use(
              before ->
                  snapshot.use(
                      after -> {
                        after
                            .disk(disk.name())
                            .forEachChange(
                                before.disk(disk.name()),
                                first,
                                end,
                                (from, to) ->
                                    runs.upTo(from * chunkSizeBytes, 0)
                                        && runs.upTo(to * chunkSizeBytes, Contexts.CHANGED));
                        return true;
                      }));
          runs.upTo(end * chunkSizeBytes, 0);
        });
  }

  /** Walks some chunks of the disk. */
  private interface Walk {
    void walk(long first, long end) throws IOException;
  }

  private void show(ExtentRuns runs, long flagsOfUnreadable, Walk walk) throws IOException {
    long end = (runs.endBytes() - 1) / chunkSizeBytes + 1;
    while (!runs.isOver()) {
      long first = runs.reachedBytes() / chunkSizeBytes;
      try {
        walk.walk(first, end);
      } catch (DamagedException | StoreFailedException e) {
        long unreadable = runs.reachedBytes() / chunkSizeBytes;
        long nextLeaf = (unreadable / LeafCache.CHUNKS + 1) * LeafCache.CHUNKS;
        warn(runs.reachedBytes(), nextLeaf * chunkSizeBytes - runs.reachedBytes(), e);
        boolean unused = runs.upTo(nextLeaf * chunkSizeBytes, flagsOfUnreadable);
      }
    }
  }

  private ChunkId id(long chunkIndex) throws IOException {
    return leaves.id(
        disk.root(),
        chunkIndex,
        leaf -> snapshot.use(reader -> LeafCache.load(reader.disk(disk.name()), leaf)));
  }

  private void readChunk(long index, ChunkId id, int within, int count, ReadSink sink)
      throws IOException {
    try (ChunkCache.Lease chunk = chunks.lease(id, this::load)) {
      long expected = Math.min(chunkSizeBytes, disk.sizeBytes() - index * chunkSizeBytes);
      if (chunk.length() != expected) {
        throw new DamagedException(
            "chunk " + id,
            OptionalLong.empty(),
            "length " + chunk.length() + " (expected: " + expected + ")",
            null);
      }
      sink.data(ByteBuffer.wrap(chunk.bytes(), within, count));
    }
  }

  private int load(ChunkId id, byte[] destination) throws StoreException {
    try {
      return snapshot.use(reader -> reader.disk(disk.name()).read(id, destination, 0));
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new StoreFailedException("" + e.getMessage(), e);
    }
  }

  private static void showHole(long lengthBytes, ReadSink sink) {
    if (lengthBytes > 0) {
      sink.hole(lengthBytes);
    }
  }

  private ExportException unreadable(
      long offsetBytes, int lengthBytes, long position, StoreException cause) {
    warn(offsetBytes, lengthBytes, cause);
    return new ExportException(
        NbdErrno.EIO, position, "The repository is damaged here: " + cause.getMessage(), cause);
  }

  private void warn(long offsetBytes, long lengthBytes, StoreException cause) {
    SnapshotRecord record = snapshot.record();
    LOG.warn(
        "unreadable vm=\"{}\" disk=\"{}\" snapshot={} offsetBytes={} lengthBytes={} reason=\"{}\"",
        WireString.escape(record.vm()),
        WireString.escape(disk.name()),
        record.id(),
        offsetBytes,
        lengthBytes,
        WireString.escape("" + cause.getMessage()));
  }
}
