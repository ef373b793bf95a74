package io.nbdvault.chunkstore;

/**
 * What some distinct chunks and tree nodes add up to.
 *
 * @param chunks chunks that hold anything but zeros
 * @param plainBytes bytes of these chunks before compression
 * @param chunkStoredBytes bytes of their records
 * @param nodes nodes of trees
 * @param nodeStoredBytes bytes of their records
 */
public record ContentTotals(
    long chunks, long plainBytes, long chunkStoredBytes, long nodes, long nodeStoredBytes) {
  /** Nothing. */
  public static final ContentTotals NONE = new ContentTotals(0, 0, 0, 0, 0);

  /** Checks that nothing is negative. */
  public ContentTotals {
    Checks.notNegative("chunks", chunks);
    Checks.notNegative("plain bytes", plainBytes);
    Checks.notNegative("stored bytes of chunks", chunkStoredBytes);
    Checks.notNegative("nodes", nodes);
    Checks.notNegative("stored bytes of nodes", nodeStoredBytes);
  }

  /** Bytes of all the records. */
  public long storedBytes() {
    return chunkStoredBytes + nodeStoredBytes;
  }

  /** Both together, which must have nothing in common. */
  public ContentTotals plus(ContentTotals other) {
    return new ContentTotals(
        chunks + other.chunks,
        plainBytes + other.plainBytes,
        chunkStoredBytes + other.chunkStoredBytes,
        nodes + other.nodes,
        nodeStoredBytes + other.nodeStoredBytes);
  }
}
