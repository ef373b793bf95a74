package io.nbdvault.nbd.bulk;

import io.nbdvault.nbd.client.NbdClient;

/**
 * Reads much of an export at once: "read these extents" (proto.md, "Metadata querying",
 * "NBD_CMD_READ" and "NBD_CMD_BLOCK_STATUS").
 *
 * <p>Block status is asked for ahead of the data, reads are kept in flight on all of the client's
 * connections, and each has the flag DF where the server offers it, since the extents already say
 * that it is data. Buffers are direct, taken when the first byte of a reply arrives rather than
 * when the request is sent, and used again at once when a lease is closed: a sink that is fast
 * works on few buffers, which stay in the processor's cache. A client that does bulk reads is best
 * opened with the metadata context {@code base:allocation} and, for {@link Selection#flagged}, the
 * other one.
 */
public final class ExtentReader {
  private ExtentReader() {}

  /**
   * Begins; returns at once. On any thread. The client can do other things at the same time, and
   * must stay open until the bulk read has ended: once it is closed, the bulk read fails as soon as
   * it asks for something.
   *
   * @param client borrowed until the bulk read has ended
   * @param what which bytes
   * @param options the bounds of requests and buffers
   * @param sink told on the client's I/O threads, until the bulk read has ended
   * @throws IllegalArgumentException if the selection begins beyond the export's end
   */
  public static BulkRead start(
      NbdClient client, Selection what, BulkOptions options, ExtentSink sink) {
    long size = client.export().sizeBytes();
    if (what.offsetBytes() > size) {
      throw new IllegalArgumentException(
          "offsetBytes: " + what.offsetBytes() + " (expected: <= " + size + ")");
    }
    ReadPipeline pipeline = new ReadPipeline(client, what, options, sink);
    pipeline.start();
    return new BulkRead(pipeline);
  }
}
