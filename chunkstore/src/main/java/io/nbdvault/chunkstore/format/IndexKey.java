package io.nbdvault.chunkstore.format;

import io.nbdvault.chunkstore.ChunkId;
import java.nio.ByteBuffer;

/**
 * The key of a row in family {@code index}.
 *
 * <pre>
 *    0        1                                 33
 *   +--------+---------------------------------+
 *   |type    |id, 32 bytes                     |
 *   +--------+---------------------------------+
 * </pre>
 *
 * <p>The type is part of the key because a guest chooses the content of its chunks: it may write
 * what is a node byte for byte, and that must not stand for the node.
 *
 * @param type {@link RecordType#CHUNK} or {@link RecordType#NODE}
 * @param id never {@link ChunkId#ZERO}
 */
public record IndexKey(RecordType type, ChunkId id) {
  /** Length of a key in bytes. */
  public static final int BYTES = 1 + ChunkId.BYTES;

  /** The key's bytes. */
  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) type.code());
    id.writeTo(out);
    return out.array();
  }

  /** Reads a key. */
  public static IndexKey decode(byte[] key) throws MalformedRecordException {
    MalformedRecordException.require(key.length == BYTES, 0, "key length", key.length, BYTES);
    RecordType type = RecordType.ofContent(Byte.toUnsignedInt(key[0]), 0);
    return new IndexKey(type, ChunkId.fromBytes(key, 1));
  }

  /** Such as {@code chunk 1f..}. */
  @Override
  public String toString() {
    return (type == RecordType.CHUNK ? "chunk " : "node ") + id;
  }
}
