package io.nbdvault.chunkstore.format;

/** What a record is. The codes are part of the format. */
public enum RecordType {
  /** A chunk of a disk. */
  CHUNK(1),
  /** A node of a disk's tree. */
  NODE(2),
  /** A snapshot in the catalog. */
  SNAPSHOT(3),
  /** A counter of the store. */
  COUNTER(4),
  /** What was decided about a snapshot after it was committed. */
  SNAPSHOT_STATE(5),
  /** A collection that has begun to sweep. */
  COLLECTION(6),
  /** How far the repository has come. */
  HEAD(7);

  private final int code;

  RecordType(int code) {
    this.code = code;
  }

  /** The number that stands for this type: one byte, unsigned. */
  public int code() {
    return code;
  }

  /** The type of what has an id and an ordinal: a chunk or a node. */
  static RecordType ofContent(int code, int offsetBytes) throws MalformedRecordException {
    if (code == CHUNK.code) {
      return CHUNK;
    }
    MalformedRecordException.require(code == NODE.code, offsetBytes, "type", code, "1 or 2");
    return NODE;
  }
}
