package io.nbdvault.nbd.server;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.List;

/** The reply to a READ while its content comes in. Owns its buffers until it is finished. */
interface ReadReply extends Export.ReadSink {
  /**
   * Completes the reply and gives it away.
   *
   * @throws IOException if there was less content than was asked for
   */
  List<ByteBuf> finish() throws IOException;

  /** Releases what there is; does nothing once it was finished. */
  void discard();

  /** Checks that an export gives no more than it was asked for. */
  static void checkRoom(long givenBytes, long leftBytes) {
    if (givenBytes < 0 || givenBytes > leftBytes) {
      throw new IllegalStateException(
          "the export gave " + givenBytes + " bytes where " + leftBytes + " were left");
    }
  }

  /** Checks that an export gave all. */
  static void checkComplete(long leftBytes) throws IOException {
    if (leftBytes > 0) {
      throw new IOException("the export gave " + leftBytes + " bytes too few");
    }
  }
}
