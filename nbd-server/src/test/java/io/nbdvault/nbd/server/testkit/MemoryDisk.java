package io.nbdvault.nbd.server.testkit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;

/** A sparse disk in memory, by blocks of 4 KiB, which remembers which have been written. */
public final class MemoryDisk {
  /** What allocation and dirtiness are counted by. */
  public static final int BLOCK_BYTES = 4096;

  private final long sizeBytes;

  @GuardedBy("this")
  private final TreeMap<Long, byte[]> blocks = new TreeMap<>();

  @GuardedBy("this")
  private final Set<Long> dirty = new HashSet<>();

  public MemoryDisk(long sizeBytes) {
    this.sizeBytes = sizeBytes;
  }

  public long sizeBytes() {
    return sizeBytes;
  }

  /** A copy of a block; empty if it is a hole. */
  public synchronized byte[] block(long index) {
    byte[] block = blocks.get(index);
    return block == null ? new byte[0] : block.clone();
  }

  /** Whether a block has data; not that it is zero. */
  public synchronized boolean isAllocated(long index) {
    return blocks.containsKey(index);
  }

  public synchronized boolean isDirty(long index) {
    return dirty.contains(index);
  }

  /** Writes what the buffer has left. */
  public synchronized void write(long offsetBytes, ByteBuffer source) {
    long at = offsetBytes;
    while (source.hasRemaining()) {
      long index = at / BLOCK_BYTES;
      int within = (int) (at % BLOCK_BYTES);
      int piece = Math.min(source.remaining(), BLOCK_BYTES - within);
      byte[] block = blocks.computeIfAbsent(index, i -> new byte[BLOCK_BYTES]);
      source.get(block, within, piece);
      dirty.add(index);
      at += piece;
    }
  }

  /** The content of a range. */
  public byte[] bytes(long offsetBytes, int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    for (int at = 0; at < lengthBytes; ) {
      long position = offsetBytes + at;
      int within = (int) (position % BLOCK_BYTES);
      int piece = Math.min(lengthBytes - at, BLOCK_BYTES - within);
      byte[] block = block(position / BLOCK_BYTES);
      if (block.length > 0) {
        System.arraycopy(block, within, bytes, at, piece);
      }
      at += piece;
    }
    return bytes;
  }

  /** Makes a range read as zeroes; whole blocks become holes. */
  public synchronized void zero(long offsetBytes, long lengthBytes, boolean mayPunchHole) {
    long at = offsetBytes;
    long end = offsetBytes + lengthBytes;
    while (at < end) {
      long index = at / BLOCK_BYTES;
      int within = (int) (at % BLOCK_BYTES);
      int piece = (int) Math.min(end - at, BLOCK_BYTES - within);
      byte[] block = blocks.get(index);
      if (piece == BLOCK_BYTES && mayPunchHole) {
        blocks.remove(index);
      } else if (block != null) {
        Arrays.fill(block, within, within + piece, (byte) 0);
      } else if (!mayPunchHole) {
        blocks.put(index, new byte[BLOCK_BYTES]);
      }
      dirty.add(index);
      at += piece;
    }
  }
}
