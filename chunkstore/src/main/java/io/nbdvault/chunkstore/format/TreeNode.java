package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import io.nbdvault.chunkstore.ChunkId;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A node of a disk's tree, as it is hashed and as it is the plain content of its record.
 *
 * <pre>
 *    0        1        2        3        4                8
 *   +--------+--------+--------+--------+----------------+
 *   |version |type 2  |level   |0       |count           |
 *  8+--------+--------+--------+--------+----------------+
 *   |ids of the children, 32 bytes each ...
 *   +--------------------------------------
 * </pre>
 *
 * <p>A child of a node of level 0 is a chunk; a child of a node of level n is a node of level n -
 * 1. A child that is the id of zeros stands for a chunk, or for a whole subtree, of zeros. A node
 * has some child that is not, else it would itself be the id of zeros.
 */
public final class TreeNode {
  /** Most children of a node. */
  public static final int COUNT_MAX = 128;

  /** Highest level: 2^63 bytes in chunks of 16 KiB need levels 0 to 6. */
  public static final int LEVEL_MAX = 6;

  /** Length of the longest node in bytes. */
  public static final int BYTES_MAX = 8 + COUNT_MAX * ChunkId.BYTES;

  private static final int VERSION = 1;
  private static final int CHILDREN_OFFSET = 8;

  private final int level;
  private final ChunkId[] children;

  /**
   * Makes a node. The array is copied.
   *
   * @throws IllegalArgumentException if level or count are out of bounds or every child is zero
   */
  public TreeNode(int level, ChunkId[] children) {
    if (level < 0 || level > LEVEL_MAX) {
      throw new IllegalArgumentException("level: " + level + " (expected: 0 to " + LEVEL_MAX + ")");
    }
    if (children.length < 1 || children.length > COUNT_MAX) {
      throw new IllegalArgumentException(
          "count: " + children.length + " (expected: 1 to " + COUNT_MAX + ")");
    }
    if (Arrays.stream(children).allMatch(ChunkId::isZero)) {
      throw new IllegalArgumentException("children: all zero (expected: one that is not)");
    }
    this.level = level;
    this.children = children.clone();
  }

  /** Height above the chunks: 0 for a leaf. */
  public int level() {
    return level;
  }

  /** How many children there are. */
  public int count() {
    return children.length;
  }

  /** The id of a child. */
  public ChunkId child(int slot) {
    return children[slot];
  }

  /** The ids of the children, in an array of their own. */
  public ChunkId[] children() {
    return children.clone();
  }

  /** The node's bytes. */
  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(CHILDREN_OFFSET + children.length * ChunkId.BYTES);
    out.put((byte) VERSION).put((byte) RecordType.NODE.code()).put((byte) level).put((byte) 0);
    out.putInt(children.length);
    for (ChunkId child : children) {
      child.writeTo(out);
    }
    return out.array();
  }

  /** Reads the node in {@code bytes[0, length)}. */
  public static TreeNode decode(byte[] bytes, int length) throws MalformedRecordException {
    require(length >= CHILDREN_OFFSET, 0, "node length", length, ">= " + CHILDREN_OFFSET);
    ByteBuffer in = ByteBuffer.wrap(bytes, 0, length);
    require(in.get(0) == VERSION, 0, "version", Byte.toUnsignedInt(in.get(0)), VERSION);
    int type = Byte.toUnsignedInt(in.get(1));
    require(type == RecordType.NODE.code(), 1, "type", type, RecordType.NODE.code());
    int level = Byte.toUnsignedInt(in.get(2));
    require(level <= LEVEL_MAX, 2, "level", level, "0 to " + LEVEL_MAX);
    require(in.get(3) == 0, 3, "reserved byte", Byte.toUnsignedInt(in.get(3)), "0");
    int count = in.getInt(4);
    require(count >= 1 && count <= COUNT_MAX, 4, "count", count, "1 to " + COUNT_MAX);
    int expected = CHILDREN_OFFSET + count * ChunkId.BYTES;
    require(length == expected, 0, "node length", length, expected);
    ChunkId[] children = new ChunkId[count];
    boolean zero = true;
    for (int slot = 0; slot < count; slot++) {
      children[slot] = ChunkId.fromBytes(bytes, CHILDREN_OFFSET + slot * ChunkId.BYTES);
      zero &= children[slot].isZero();
    }
    require(!zero, CHILDREN_OFFSET, "children that are not zero", 0, ">= 1");
    return new TreeNode(level, children);
  }
}
