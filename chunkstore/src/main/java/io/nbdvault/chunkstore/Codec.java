package io.nbdvault.chunkstore;

/** How the bytes of a chunk are compressed. The codes are part of the format of a chunk record. */
public enum Codec {
  /** The bytes as they are. */
  NONE(0),
  /** LZ4, the block format. */
  LZ4(1),
  /** zstd: one frame that says how long its content is. */
  ZSTD(2);

  private final int code;

  Codec(int code) {
    this.code = code;
  }

  /** The number that stands for this codec in a record: one byte, unsigned. */
  public int code() {
    return code;
  }
}
