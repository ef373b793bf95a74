package io.nbdvault.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class JsonFrameDecoderTest {
  private static final int BYTES_MAX = 4096;

  private static EmbeddedChannel channel(JsonSocket.Framing framing) {
    return new EmbeddedChannel(new JsonFrameDecoder(framing, BYTES_MAX));
  }

  private static byte[] bytes(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      if (part instanceof Integer b) {
        out.write(b);
      } else {
        out.writeBytes(part.toString().getBytes(StandardCharsets.UTF_8));
      }
    }
    return out.toByteArray();
  }

  private static List<String> read(EmbeddedChannel channel) {
    List<String> frames = new ArrayList<>();
    for (JsonFrame frame = channel.readInbound(); frame != null; frame = channel.readInbound()) {
      frames.add((frame.afterSentinel() ? "!" : "") + frame.json());
    }
    boolean unused = channel.finishAndReleaseAll();
    return frames;
  }

  @Test
  void findsObjectsByTheirBracesAndNotByLines() {
    EmbeddedChannel channel = channel(JsonSocket.Framing.QMP);
    channel.writeInbound(Unpooled.wrappedBuffer(bytes("{\"a\":\r\n [{}, {}]}{\"b\":1}\r\n\r\n ")));
    assertThat(read(channel)).containsExactly("{\"a\":[{},{}]}", "{\"b\":1}");
  }

  @Test
  void bracesAndQuotesWithinStringsDoNotCount() {
    EmbeddedChannel channel = channel(JsonSocket.Framing.QMP);
    String tricky = "{\"a\":\"}]\\\"{\\\\\"}";
    channel.writeInbound(Unpooled.wrappedBuffer(bytes(tricky, "\n")));
    assertThat(read(channel)).containsExactly(tricky);
  }

  @Test
  void splitsOfTheStreamDoNotMatter() {
    long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
    System.out.println("nbdvault.test.seed=" + seed);
    Random random = new Random(seed);
    byte[] stream =
        bytes("noise {\"half\": \"", 0xFF, "{\"return\": 7}\n", "{\"a\": \"ä\\u00e4\"}\n", 0xFF);
    for (int round = 0; round < 300; round++) {
      EmbeddedChannel channel = channel(JsonSocket.Framing.GUEST_AGENT);
      int from = 0;
      while (from < stream.length) {
        int length = Math.min(stream.length - from, 1 + (round == 0 ? 0 : random.nextInt(9)));
        channel.writeInbound(Unpooled.copiedBuffer(stream, from, length));
        from += length;
      }
      assertThat(read(channel)).containsExactly("!{\"return\":7}", "{\"a\":\"ää\"}");
    }
  }

  @Test
  void sentinelDropsWhatIsUnderWayEvenWithinAString() {
    EmbeddedChannel channel = channel(JsonSocket.Framing.GUEST_AGENT);
    channel.writeInbound(Unpooled.wrappedBuffer(bytes("{\"a\": \"x\\", 0xFF, "{}", "{\"b\":{}}")));
    assertThat(read(channel)).containsExactly("!{}", "{\"b\":{}}");
  }

  @Test
  void rejectsObjectOneByteOverTheLimit() {
    String head = "{\"a\":\"";
    String fits = head + "x".repeat(BYTES_MAX - head.length() - 2) + "\"}";
    EmbeddedChannel channel = channel(JsonSocket.Framing.QMP);
    channel.writeInbound(Unpooled.wrappedBuffer(bytes(fits)));
    assertThat(read(channel)).hasSize(1);
    EmbeddedChannel other = channel(JsonSocket.Framing.QMP);
    assertThatThrownBy(() -> other.writeInbound(Unpooled.wrappedBuffer(bytes(head, "x", fits))))
        .hasCauseInstanceOf(QmpProtocolException.class);
    boolean unused = other.finishAndReleaseAll();
  }

  @Test
  void garbageFromTheGuestIsDroppedWithoutBeingKept() {
    EmbeddedChannel channel = channel(JsonSocket.Framing.GUEST_AGENT);
    for (int i = 0; i < 100; i++) {
      channel.writeInbound(Unpooled.wrappedBuffer(bytes("x".repeat(BYTES_MAX))));
    }
    channel.writeInbound(Unpooled.wrappedBuffer(bytes("{}")));
    assertThat(read(channel)).containsExactly("{}");
  }
}
