package io.nbdvault.engine.testkit;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;

/**
 * What one {@code writer} of the test guest (guest/README.md) writes to one region of a disk that
 * was zero before. Write n follows from the seed and n, and write n is not begun before write n-1
 * has been acknowledged; so at any instant the region holds writes 1 to k, and perhaps a part of
 * write k+1. A single older or newer block anywhere is found.
 *
 * @param offsetBytes where the region begins, a multiple of 4096
 * @param lengthBytes its length, a multiple of 4096 and at most 1 GiB
 * @param zeroes whether some writes are zero writes
 * @param discards whether some are discards
 */
public record GuestWrites(
    long seed, long offsetBytes, long lengthBytes, boolean zeroes, boolean discards) {
  static final int BLOCK_BYTES = 4096;
  private static final int WORDS = BLOCK_BYTES / Long.BYTES;
  private static final int SECTOR_WORDS = 512 / Long.BYTES;
  private static final long GAMMA = 0x9E3779B97F4A7C15L;
  private static final long MAGIC = 0x315453475644424EL; // "NBDVGST1", little-endian.

  /** How far k may lie beyond the greatest number found: zero writes leave none. */
  private static final int UNNUMBERED_MAX = 8;

  public GuestWrites {
    if (offsetBytes % BLOCK_BYTES != 0
        || lengthBytes % BLOCK_BYTES != 0
        || lengthBytes <= 0
        || lengthBytes > 1 << 30) {
      throw new IllegalArgumentException("region: " + offsetBytes + " + " + lengthBytes);
    }
  }

  /** A region in which every write holds data. */
  public static GuestWrites data(long seed, long offsetBytes, long lengthBytes) {
    return new GuestWrites(seed, offsetBytes, lengthBytes, false, false);
  }

  /** What a write does. */
  enum Kind {
    DATA,
    ZERO,
    DISCARD
  }

  /** One write; {@code first} and {@code blocks} in blocks of the region. */
  record Write(Kind kind, int first, int blocks) {
    boolean touches(int block) {
      return block >= first && block < first + blocks;
    }
  }

  /** The writer as the guest's kernel command line names it, on one disk or on {@code a+b}. */
  public String spec(String disks) {
    String kinds = (zeroes ? "z" : "") + (discards ? "d" : "");
    return spec(disks, 0) + (kinds.isEmpty() ? "" : ":" + kinds);
  }

  /** The same, with a pause after each write; only for regions in which every write holds data. */
  public String spec(String disks, int delayMicros) {
    return disks + ":" + seed + ":" + offsetBytes + ":" + lengthBytes + ":" + delayMicros;
  }

  /**
   * Finds k, comparing every byte of the region.
   *
   * @param image a raw image of the disk
   * @return k
   * @throws AssertionError when there is no k for which the region is right
   */
  public long check(Path image) throws IOException {
    try (FileChannel channel = FileChannel.open(image, StandardOpenOption.READ)) {
      if (channel.size() < offsetBytes + lengthBytes) {
        throw new AssertionError(image + " has only " + channel.size() + " bytes");
      }
      return check(
          channel
              .map(FileChannel.MapMode.READ_ONLY, offsetBytes, lengthBytes)
              .order(ByteOrder.LITTLE_ENDIAN)
              .asLongBuffer());
    }
  }

  long check(LongBuffer region) {
    long greatest = 0;
    for (int block = 0; block < blocks(); block++) {
      greatest = Math.max(greatest, number(region, block));
    }
    StringBuilder failures = new StringBuilder();
    long last = zeroes || discards ? greatest + UNNUMBERED_MAX : greatest;
    for (long k = last; k >= Math.max(0, greatest - 1); k--) {
      Optional<String> wrong = new Replay(k).firstDifference(region);
      if (wrong.isEmpty()) {
        return k;
      }
      failures.append("\n  not exactly the first ").append(k).append(": ").append(wrong.get());
    }
    throw new AssertionError(this + " holds no prefix of its writes:" + failures);
  }

  /** The number in the header of a block, or 0 where there is no header of this writer. */
  private long number(LongBuffer region, int block) {
    int at = block * WORDS;
    boolean header =
        region.get(at) == MAGIC && region.get(at + 2) == block && region.get(at + 3) == seed;
    return header ? region.get(at + 1) : 0;
  }

  private int blocks() {
    return (int) (lengthBytes / BLOCK_BYTES);
  }

  private static long mix(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }

  Write write(long n) {
    long r = mix(seed + n * GAMMA);
    int first = (int) ((r & 0xFFFFFFFFFFFFL) % blocks());
    int count = (r >>> 61) == 0 ? 1 + (int) ((r >>> 56) & 31) : 1;
    return new Write(kind(n, r), first, Math.min(count, blocks() - first));
  }

  private Kind kind(long n, long r) {
    if (n % 2 != 0 || ((r >>> 52) & 15) != 0) {
      return Kind.DATA;
    }
    if (zeroes && (!discards || ((r >>> 51) & 1) == 0)) {
      return Kind.ZERO;
    }
    return discards ? Kind.DISCARD : Kind.DATA;
  }

  /** What write n puts into a block; zeroes for n = 0. */
  void fill(long[] words, long n, int block) {
    if (n == 0) {
      Arrays.fill(words, 0);
      return;
    }
    words[0] = MAGIC;
    words[1] = n;
    words[2] = block;
    words[3] = seed;
    long state = mix(seed ^ mix(n ^ mix(block)));
    for (int i = 4; i < WORDS; i++) {
      words[i] = mix(state + i * GAMMA);
    }
  }

  /** The region after writes 1 to k, with write k+1 anywhere between not begun and done. */
  private final class Replay {
    private final long next;
    private final Write torn;
    private final long[] lastData = new long[blocks()];
    private final boolean[] mayBeZero = new boolean[blocks()];
    private final long[] old = new long[WORDS];
    private final long[] young = new long[WORDS];

    Replay(long k) {
      for (long n = 1; n <= k; n++) {
        Write write = write(n);
        int end = write.first() + write.blocks();
        if (write.kind() == Kind.DISCARD) {
          Arrays.fill(mayBeZero, write.first(), end, true);
        } else {
          Arrays.fill(lastData, write.first(), end, write.kind() == Kind.DATA ? n : 0);
          Arrays.fill(mayBeZero, write.first(), end, false);
        }
      }
      next = k + 1;
      torn = write(next);
    }

    Optional<String> firstDifference(LongBuffer region) {
      for (int block = 0; block < lastData.length; block++) {
        fill(old, lastData[block], block);
        fill(young, torn.kind() == Kind.DATA && torn.touches(block) ? next : 0, block);
        for (int word = 0; word < WORDS; word += SECTOR_WORDS) {
          if (!sectorIsRight(region, block, word)) {
            return Optional.of(describe(region, block, word));
          }
        }
      }
      return Optional.empty();
    }

    private boolean sectorIsRight(LongBuffer region, int block, int word) {
      return holds(region, block, word, old)
          || (torn.touches(block) && holds(region, block, word, young))
          || (mayBeZero[block] && isZero(region, block, word));
    }

    private String describe(LongBuffer region, int block, int word) {
      return String.format(
          "block %d (byte %d of the disk): of write %d expected, of write %d found",
          block,
          offsetBytes + (long) block * BLOCK_BYTES + (long) word * Long.BYTES,
          lastData[block],
          number(region, block));
    }
  }

  private static boolean holds(LongBuffer region, int block, int word, long[] expected) {
    int at = block * WORDS;
    for (int i = word; i < word + SECTOR_WORDS; i++) {
      if (region.get(at + i) != expected[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isZero(LongBuffer region, int block, int word) {
    int at = block * WORDS;
    for (int i = word; i < word + SECTOR_WORDS; i++) {
      if (region.get(at + i) != 0) {
        return false;
      }
    }
    return true;
  }
}
