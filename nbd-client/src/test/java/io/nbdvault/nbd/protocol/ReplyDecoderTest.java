package io.nbdvault.nbd.protocol;

import static io.nbdvault.nbd.testkit.ScriptedPeer.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.testkit.ScriptedPeer.Fields;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ReplyDecoderTest {
  private static final byte[] STREAM =
      bytes(
          o -> {
            simple(o, 7, 0);
            o.writeBytes("hello");
            simple(o, 8, 22);
            chunk(o, 9, false, 1, d -> text(d, 4096, "payload"));
            chunk(o, 9, false, 2, d -> hole(d, 8192, 0xfffffe00));
            chunk(o, 9, true, 0, d -> {});
            chunk(o, 10, true, 5, d -> ints(d, 3, 65536, 0, 0x80000000, 3));
            chunk(o, 11, false, 32769, d -> error(d, 5, "bad\nsector"));
            chunk(
                o,
                11,
                true,
                32770,
                d -> {
                  error(d, 5, "");
                  d.writeLong(512);
                });
            chunk(o, 12, true, 32999, d -> error(d, 1, "new kind".repeat(99)));
          });

  private static final List<String> EVENTS =
      List.of(
          "simple 7 0",
          "hello",
          "end",
          "simple 8 22",
          "end",
          "chunk 9 1 false",
          "data at 4096 of 7",
          "payload",
          "end",
          "chunk 9 2 false",
          "hole at 8192 of 4294966784",
          "end",
          "chunk 9 0 true",
          "end",
          "chunk 10 5 true",
          "status 3 2",
          "extent 65536 0",
          "extent 2147483648 3",
          "end",
          "chunk 11 32769 false",
          "error 5 bad\\u000asector",
          "end",
          "chunk 11 32770 true",
          "error at 512",
          "error 5 ",
          "end",
          "chunk 12 32999 true",
          "error 1 " + "new kind".repeat(99),
          "end");

  @Test
  void decodesAllKindsOfRepliesAtOnce() throws Exception {
    assertThat(decode(STREAM)).isEqualTo(EVENTS);
  }

  @Test
  void decodesOneByteAtATime() throws Exception {
    ReplyLog log = new ReplyLog(5);
    ReplyDecoder decoder = new ReplyDecoder(HeaderStyle.STRUCTURED, log);
    for (byte b : STREAM) {
      feed(decoder, new byte[] {b}, 0, 1);
    }
    assertThat(log.events()).isEqualTo(EVENTS);
    assertThat(decoder.atBoundary()).isTrue();
  }

  @Test
  void decodesWhateverOffsetItIsCutAt() throws Exception {
    for (int cut = 1; cut < STREAM.length; cut++) {
      ReplyLog log = new ReplyLog(5);
      ReplyDecoder decoder = new ReplyDecoder(HeaderStyle.STRUCTURED, log);
      feed(decoder, STREAM, 0, cut);
      feed(decoder, STREAM, cut, STREAM.length - cut);
      assertThat(log.events()).as("cut at %d", cut).isEqualTo(EVENTS);
    }
  }

  @Test
  void knowsWhetherTheServerOwesBytes() throws Exception {
    ReplyDecoder decoder = new ReplyDecoder(HeaderStyle.STRUCTURED, new ReplyLog(0));
    assertThat(decoder.atBoundary()).isTrue();
    feed(decoder, STREAM, 0, 3);
    assertThat(decoder.atBoundary()).isFalse();
  }

  @Test
  void refusesWrongMagic() {
    assertRefused(o -> ints(o, 0x12345678, 0, 0, 0), "magic 0x12345678");
  }

  @Test
  void refusesDataLongerThanTheMaximumBeforeItComes() {
    assertRefused(o -> header(o, 1, 8 + (32 << 20) + 1), "length: 33554441");
    assertRefused(o -> header(o, 1, -1), "length: 4294967295");
  }

  @Test
  void refusesEmptyData() {
    assertRefused(o -> header(o, 1, 8), "length: 8");
  }

  @Test
  void refusesHoleOfTheWrongShape() {
    assertRefused(o -> header(o, 2, 11), "length: 11");
    assertRefused(o -> chunk(o, 1, true, 2, d -> hole(d, 0, 0)), "length: 0");
  }

  @Test
  void refusesNoneWithPayload() {
    assertRefused(o -> header(o, 0, 1), "length: 1");
  }

  @Test
  void refusesBlockStatusOfTheWrongShape() {
    assertRefused(o -> header(o, 5, 4), "length: 4");
    assertRefused(o -> header(o, 5, 13), "length: 13");
    assertRefused(o -> header(o, 5, 4 + 8 * ((1 << 20) + 1)), "length: 8388620");
    assertRefused(o -> header(o, 5, -4), "length: 4294967292");
  }

  @Test
  void refusesExtentsWithoutLength() {
    assertRefused(o -> chunk(o, 1, true, 5, d -> ints(d, 1, 0, 0)), "extent of length 0");
  }

  @Test
  void refusesErrorsOfTheWrongShape() {
    assertRefused(o -> header(o, 32769, 5), "length: 5");
    assertRefused(o -> header(o, 32769, 4111), "length: 4111");
    assertRefused(o -> chunk(o, 1, true, 32769, d -> error(d, 0, "")), "error: 0");
    assertRefused(o -> chunk(o, 1, true, 32770, d -> error(d, 5, "")), "length: 6");
    assertRefused(o -> chunk(o, 1, true, 32769, d -> error(d, 5, "a\0b")), "contains NUL");
    assertRefused(
        o ->
            chunk(
                o,
                1,
                true,
                32769,
                d -> {
                  d.writeInt(5);
                  d.writeShort(3);
                }),
        "length: 6");
  }

  @Test
  void refusesUnknownChunkTypes() {
    assertRefused(o -> header(o, 3, 0), "unknown chunk type 3");
  }

  private static void assertRefused(Fields fields, String reason) {
    assertThatThrownBy(() -> decode(bytes(fields)))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining(reason);
  }

  private static List<String> decode(byte[] stream) throws NbdProtocolException {
    ReplyLog log = new ReplyLog(5);
    feed(new ReplyDecoder(HeaderStyle.STRUCTURED, log), stream, 0, stream.length);
    return log.events();
  }

  private static void feed(ReplyDecoder decoder, byte[] stream, int from, int length)
      throws NbdProtocolException {
    ByteBuf in = Unpooled.wrappedBuffer(stream, from, length);
    boolean more = true;
    while (more) {
      more = decoder.decode(in);
    }
    assertThat(in.isReadable()).isFalse();
  }

  private static void simple(DataOutputStream o, long cookie, int error) throws IOException {
    o.writeInt(NbdProtocol.SIMPLE_REPLY_MAGIC);
    o.writeInt(error);
    o.writeLong(cookie);
  }

  private static void header(DataOutputStream o, int type, int length) throws IOException {
    header(o, 1, true, type, length);
  }

  private static void header(DataOutputStream o, long cookie, boolean done, int type, int length)
      throws IOException {
    o.writeInt(NbdProtocol.STRUCTURED_REPLY_MAGIC);
    o.writeShort(done ? 1 : 0);
    o.writeShort(type);
    o.writeLong(cookie);
    o.writeInt(length);
  }

  private static void chunk(DataOutputStream o, long cookie, boolean done, int type, Fields payload)
      throws IOException {
    byte[] data = bytes(payload);
    header(o, cookie, done, type, data.length);
    o.write(data);
  }

  private static void text(DataOutputStream o, long offset, String text) throws IOException {
    o.writeLong(offset);
    o.writeBytes(text);
  }

  private static void hole(DataOutputStream o, long offset, int length) throws IOException {
    o.writeLong(offset);
    o.writeInt(length);
  }

  private static void ints(DataOutputStream o, int... values) throws IOException {
    for (int value : values) {
      o.writeInt(value);
    }
  }

  private static void error(DataOutputStream o, int error, String message) throws IOException {
    byte[] text = message.getBytes(StandardCharsets.UTF_8);
    o.writeInt(error);
    o.writeShort(text.length);
    o.write(text);
  }
}
