package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdTlsException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/**
 * Stands before the JDK's TLS, which as a client goes along with every renegotiation a TLS 1.2
 * server asks for, and refuses it.
 *
 * <p>It reads the five bytes before each record (RFC 8446, section 5.1) and rests on this: behind
 * the server's change_cipher_spec there is one plain-typed handshake record at most, in TLS 1.2
 * Finished, in TLS 1.3 the second ServerHello after a HelloRetryRequest. Whatever else of TLS 1.3's
 * handshake follows is typed as application data.
 */
final class RenegotiationGuard extends ChannelInboundHandlerAdapter {
  private static final int HEADER_BYTES = 5;
  private static final int LENGTH_OFFSET = 3;
  private static final int CHANGE_CIPHER_SPEC = 20;
  private static final int HANDSHAKE = 22;

  private int headerBytes;
  private int bodyBytes;
  private final String peer;
  private boolean cipherChanged;
  private boolean handshakeOver;

  /**
   * Guards against one side.
   *
   * @param peer which: "server", or "client", whose records are typed likewise
   */
  RenegotiationGuard(String peer) {
    this.peer = peer;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    ByteBuf in = (ByteBuf) msg;
    int allowed = allowedBytes(in);
    if (allowed < in.readableBytes()) {
      ctx.fireChannelRead(in.readRetainedSlice(allowed));
      in.release();
      ctx.fireExceptionCaught(new NbdTlsException("the " + peer + " wants to renegotiate TLS"));
      var unused = ctx.close();
      return;
    }
    ctx.fireChannelRead(msg);
  }

  /** How many bytes come before a record that is refused; all if none is. */
  private int allowedBytes(ByteBuf in) {
    int at = in.readerIndex();
    while (at < in.writerIndex()) {
      if (headerBytes == HEADER_BYTES) {
        int skipped = Math.min(bodyBytes, in.writerIndex() - at);
        bodyBytes -= skipped;
        at += skipped;
        if (bodyBytes == 0) {
          headerBytes = 0;
        }
        continue;
      }
      int next = in.getUnsignedByte(at++);
      if (headerBytes == 0 && !typeAllowed(next)) {
        return at - 1 - in.readerIndex();
      }
      if (headerBytes >= LENGTH_OFFSET) {
        bodyBytes = (bodyBytes << 8 | next) & 0xffff;
      }
      headerBytes++;
      if (headerBytes == HEADER_BYTES && bodyBytes == 0) {
        headerBytes = 0;
      }
    }
    return in.readableBytes();
  }

  private boolean typeAllowed(int type) {
    if (type == CHANGE_CIPHER_SPEC) {
      cipherChanged = true;
    } else if (type == HANDSHAKE && cipherChanged) {
      if (handshakeOver) {
        return false;
      }
      handshakeOver = true;
    }
    return true;
  }
}
