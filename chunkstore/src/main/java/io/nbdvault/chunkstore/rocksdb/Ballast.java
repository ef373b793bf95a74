package io.nbdvault.chunkstore.rocksdb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that only takes room, so that there is some to give up when a file system is full: even
 * forgetting and reclaiming have to write before they give anything back. Belongs to the process
 * that has the lock. It is no promise: whoever cannot make it goes on without it.
 *
 * <p>It is given up by who opens the repository to reclaim, and only if there is little room
 * besides, and made again when the repository is opened or closed. Where there is little room it is
 * made as large as it was, as far as it can be: else the next backup would take what a collection
 * needs to make more.
 */
final class Ballast {
  private static final Logger LOG = LoggerFactory.getLogger(Ballast.class);

  private static final int MIB = 1 << 20;

  /** What opening, forgetting and a collection of small files write before they free anything. */
  static final long BYTES_MIN = 8 * MIB;

  /** Room besides for one file to be rewritten. */
  private static final long TABLE_BYTES_MAX = 72 * MIB;

  /** Of a small file system it takes at most one in so many bytes. */
  private static final int SHARE_OF_CAPACITY = 8;

  /** With so many times its size free, nothing is tight. */
  private static final int AMPLE = 4;

  /** Left free when the room is tight, for what the file system itself may need. */
  private static final long SLACK_BYTES = 256 << 10;

  private final RepositoryDirectory directory;
  private final Path file;
  private long givenUpBytes;

  Ballast(RepositoryDirectory directory) {
    this.directory = directory;
    this.file = directory.ballast();
  }

  /** Gives the room up if it is needed. */
  void giveUp() {
    try {
      long size = sizeBytes();
      if (size > 0 && directory.usableBytes() < BYTES_MIN + TABLE_BYTES_MAX) {
        Database.beforeChange.run();
        Files.delete(file);
        givenUpBytes = size;
        LOG.info("ballast=given-up bytes={}", size);
      }
    } catch (IOException e) {
      LOG.warn("ballast=not-given-up", e);
    }
  }

  /**
   * Makes it as large as it should be, if there is room.
   *
   * @param largestTableBytes of the files that a collection may have to rewrite
   */
  void restore(long largestTableBytes) {
    try {
      long target = Math.min(targetBytes(largestTableBytes), capacityShare());
      long size = sizeBytes();
      long usable = directory.usableBytes();
      if (usable >= AMPLE * target) {
        write(size, target);
      } else {
        long before = Math.min(target, Math.max(givenUpBytes, BYTES_MIN));
        write(size, Math.min(before, size + usable - SLACK_BYTES));
      }
    } catch (IOException e) {
      LOG.warn("ballast=not-made", e);
    }
  }

  private static long targetBytes(long largestTableBytes) {
    return BYTES_MIN + Math.min(largestTableBytes, TABLE_BYTES_MAX) / MIB * MIB;
  }

  private long capacityShare() throws IOException {
    return Files.getFileStore(directory.dir()).getTotalSpace() / SHARE_OF_CAPACITY;
  }

  private long sizeBytes() throws IOException {
    return Files.exists(file) ? Files.size(file) : 0;
  }

  /** Random bytes, since some file systems compress. Not synced: its size is looked at. */
  private void write(long from, long to) throws IOException {
    if (to <= from) {
      return;
    }
    Database.beforeChange.run();
    SplittableRandom random = new SplittableRandom();
    byte[] block = new byte[MIB];
    boolean whole = false;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long at = from; at < to; ) {
        random.nextBytes(block);
        ByteBuffer bytes = ByteBuffer.wrap(block, 0, (int) Math.min(MIB, to - at));
        while (bytes.hasRemaining()) {
          at += channel.write(bytes, at);
        }
      }
      whole = true;
    } finally {
      if (!whole) {
        Files.deleteIfExists(file);
      }
    }
  }
}
