package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is written and flushed comes out, in its order. */
final class PacedWritesTest {
  private static final int WRITES = 20;

  private static EmbeddedChannel channel() {
    EmbeddedChannel channel = new EmbeddedChannel(new PacedWrites());
    channel
        .config()
        .setOption(
            ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(32 << 10, 64 << 10));
    return channel;
  }

  private static ByteBuf numbered(int number, int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    Arrays.fill(bytes, (byte) number);
    return Unpooled.wrappedBuffer(bytes);
  }

  private static void assertSent(EmbeddedChannel channel, int lengthBytes) {
    int last = -1;
    long bytes = 0;
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      bytes += out.readableBytes();
      assertThat((int) out.getByte(out.readerIndex())).isGreaterThanOrEqualTo(last);
      last = out.getByte(out.readerIndex());
      out.release();
    }
    assertThat(bytes).isEqualTo((long) WRITES * lengthBytes);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 50_000, 70_000, PacedWrites.PIECE_BYTES + 1, 1 << 20})
  void oneFlushSendsAllThatWasWritten(int lengthBytes) {
    EmbeddedChannel channel = channel();
    for (int i = 0; i < WRITES; i++) {
      var unused = channel.write(numbered(i, lengthBytes));
    }
    channel.flush();
    assertSent(channel, lengthBytes);
    channel.finishAndReleaseAll();
  }

  @Test
  void eachFlushSendsWhatWasWrittenBefore() {
    EmbeddedChannel channel = channel();
    for (int i = 0; i < WRITES; i++) {
      var unused = channel.writeAndFlush(numbered(i, 90_000));
    }
    assertSent(channel, 90_000);
    channel.finishAndReleaseAll();
  }
}
