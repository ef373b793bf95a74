package io.nbdvault.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Decides before each receive where its bytes go: to where the connection says, which for a payload
 * is the caller's own buffer, or to a pooled buffer. Made for one channel, and used on its event
 * loop only.
 */
final class ReceiveAllocator extends DefaultMaxMessagesRecvByteBufAllocator {
  /** Who knows what is to be received next. */
  interface Source {
    /**
     * A writable direct buffer for the next bytes, released by who gets it; null for any.
     *
     * @param alloc for a buffer of another size than usual
     */
    @Nullable ByteBuf nextBuffer(ByteBufAllocator alloc);
  }

  private @Nullable Source source;

  ReceiveAllocator() {
    super(ClientLimits.RECEIVES_PER_TURN_MAX);
  }

  /** Asks {@code newSource} from now on. */
  void receiveFor(Source newSource) {
    source = newSource;
  }

  @Override
  @SuppressWarnings("deprecation") // So is the type that Netty itself asks for.
  public Handle newHandle() {
    return new MaxMessageHandle() {
      @Override
      public int guess() {
        return ClientLimits.RECEIVE_BUFFER_BYTES;
      }

      @Override
      public ByteBuf allocate(ByteBufAllocator alloc) {
        ByteBuf next = source == null ? null : source.nextBuffer(alloc);
        return next == null ? super.allocate(alloc) : next;
      }
    };
  }
}
