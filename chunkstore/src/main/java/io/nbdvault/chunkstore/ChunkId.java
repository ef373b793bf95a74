package io.nbdvault.chunkstore;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * The name of a chunk or of a tree node: the 32 bytes of the SHA-256 of its plain bytes, as four
 * big-endian words. The id of all zeros is reserved: it stands for a chunk, or for a whole subtree,
 * that holds nothing but zeros and is never stored.
 *
 * @param a bytes 0 to 7
 * @param b bytes 8 to 15
 * @param c bytes 16 to 23
 * @param d bytes 24 to 31
 */
public record ChunkId(long a, long b, long c, long d) {
  /** Length of an id in bytes. */
  public static final int BYTES = 32;

  /** The reserved id of zeros. */
  public static final ChunkId ZERO = new ChunkId(0, 0, 0, 0);

  /**
   * Reads an id from {@code bytes[offset, offset + 32)}.
   *
   * @throws IndexOutOfBoundsException if the array is too short
   */
  public static ChunkId fromBytes(byte[] bytes, int offset) {
    ByteBuffer in = ByteBuffer.wrap(bytes, offset, BYTES);
    return new ChunkId(in.getLong(), in.getLong(), in.getLong(), in.getLong());
  }

  /** Whether this is the reserved id of zeros. */
  public boolean isZero() {
    return (a | b | c | d) == 0;
  }

  /** The 32 bytes, in an array of their own. */
  public byte[] toBytes() {
    byte[] bytes = new byte[BYTES];
    writeTo(ByteBuffer.wrap(bytes));
    return bytes;
  }

  /**
   * Writes the 32 bytes at the buffer's position, which advances. The buffer must be big-endian, as
   * every buffer is at first.
   */
  public void writeTo(ByteBuffer out) {
    out.putLong(a).putLong(b).putLong(c).putLong(d);
  }

  /** The 64 lower-case hex digits. */
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(a) + hex.toHexDigits(b) + hex.toHexDigits(c) + hex.toHexDigits(d);
  }
}
