package io.nbdvault.engine.source;

/** A stretch of a disk of one kind, in bytes. */
public record SourceExtent(long offsetBytes, long lengthBytes, ExtentKind kind) {
  public SourceExtent {
    if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes > Long.MAX_VALUE - lengthBytes) {
      throw new IllegalArgumentException(
          "extent: " + offsetBytes + "+" + lengthBytes + " (expected: >= 0 and > 0)");
    }
  }

  public long endBytes() {
    return offsetBytes + lengthBytes;
  }
}
