package io.nbdvault.nbd.client;

import io.nbdvault.nbd.protocol.Command;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/** A WRITE, whose payload goes out from the caller's buffer. */
final class WriteRequest extends Request {
  private final ByteBuffer source;

  /** Borrows the source until the operation completes; all that remains in it is the payload. */
  WriteRequest(Operation<?> operation, int flags, long offsetBytes, ByteBuffer source) {
    super(operation, Command.WRITE, flags, offsetBytes, source.remaining());
    this.source = source;
  }

  @Override
  ByteBuf payload() {
    return Unpooled.wrappedBuffer(source);
  }
}
