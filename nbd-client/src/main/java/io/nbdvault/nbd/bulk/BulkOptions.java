package io.nbdvault.nbd.bulk;

/**
 * Bounds of a bulk read. How requests are cut follows the server's limits (proto.md, "Size
 * constraints"); the defaults were measured.
 *
 * @param requestBytes the longest request, 4096..32 MiB; less if the server's maximum is less
 * @param bufferBytesMax what all buffers together may hold, at least {@code requestBytes}, at most
 *     2 GiB; each takes a page more, for its alignment. How many requests that is, is the number of
 *     places, at most 1024, each of which is a request in flight or a {@link Lease} that the sink
 *     holds
 * @param windowBytes how much of the export may be known in extents but not yet read, 1 MiB..1 TiB
 * @param mergeGapBytes two runs of data this close are read with one request, 0..16 MiB; what lies
 *     between them is transferred, but not delivered
 */
public record BulkOptions(
    int requestBytes, long bufferBytesMax, long windowBytes, int mergeGapBytes) {
  private static final int REQUEST_BYTES_MIN = 4096;
  private static final int REQUEST_BYTES_MAX = 32 << 20;
  private static final long BUFFER_BYTES_MAX = 2L << 30;
  private static final long WINDOW_BYTES_MIN = 1 << 20;
  private static final long WINDOW_BYTES_MAX = 1L << 40;
  private static final int MERGE_GAP_BYTES_MAX = 16 << 20;

  /**
   * Checks the bounds.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public BulkOptions {
    check("requestBytes", requestBytes, REQUEST_BYTES_MIN, REQUEST_BYTES_MAX);
    check("bufferBytesMax", bufferBytesMax, requestBytes, BUFFER_BYTES_MAX);
    check("windowBytes", windowBytes, WINDOW_BYTES_MIN, WINDOW_BYTES_MAX);
    check("mergeGapBytes", mergeGapBytes, 0, MERGE_GAP_BYTES_MAX);
  }

  /** Requests of 512 KiB, 16 MiB of buffers, extents 256 MiB ahead, gaps up to 32 KiB merged. */
  public static BulkOptions defaults() {
    return new BulkOptions(512 << 10, 16L << 20, 256L << 20, 32 << 10);
  }

  /** With another {@link #requestBytes}. */
  public BulkOptions withRequestBytes(int value) {
    return new BulkOptions(value, bufferBytesMax, windowBytes, mergeGapBytes);
  }

  /** With another {@link #bufferBytesMax}. */
  public BulkOptions withBufferBytesMax(long value) {
    return new BulkOptions(requestBytes, value, windowBytes, mergeGapBytes);
  }

  /** With another {@link #windowBytes}. */
  public BulkOptions withWindowBytes(long value) {
    return new BulkOptions(requestBytes, bufferBytesMax, value, mergeGapBytes);
  }

  /** With another {@link #mergeGapBytes}. */
  public BulkOptions withMergeGapBytes(int value) {
    return new BulkOptions(requestBytes, bufferBytesMax, windowBytes, value);
  }

  private static void check(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: " + min + ".." + max + ")");
    }
  }
}
