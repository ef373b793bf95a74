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
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every kind of extended chunk, whole, a byte at a time and cut at every offset. */
final class ExtendedReplyDecoderTest {
  private static final byte[] STREAM =
      bytes(
          o -> {
            chunk(o, 9, 4096, false, 1, d -> data(d, 4096, "payload"));
            chunk(o, 9, 4096, false, 2, d -> longAndInt(d, 8192, 0xfffffe00));
            chunk(o, 9, 4096, true, 0, d -> {});
            chunk(o, 10, 0, false, 6, d -> status(d, 3, 1L << 40, 0, 512, 1L << 63 | 3));
            chunk(o, 10, 0, true, 6, d -> status(d, -1, 1, 1));
            chunk(o, 11, -1, false, 32769, d -> error(d, 5, "bad sector"));
            chunk(
                o,
                11,
                -1,
                true,
                32770,
                d -> {
                  error(d, 5, "");
                  d.writeLong(512);
                });
            chunk(o, 12, 1, true, 32999, d -> error(d, 1, "new kind"));
          });

  private static final List<String> EVENTS =
      List.of(
          "chunk 9 1 false",
          "request at 4096",
          "data at 4096 of 7",
          "payload",
          "end",
          "chunk 9 2 false",
          "request at 4096",
          "hole at 8192 of 4294966784",
          "end",
          "chunk 9 0 true",
          "request at 4096",
          "end",
          "chunk 10 6 false",
          "request at 0",
          "status 3 2",
          "extent 1099511627776 0",
          "extent 512 -9223372036854775805",
          "end",
          "chunk 10 6 true",
          "request at 0",
          "status -1 1",
          "extent 1 1",
          "end",
          "chunk 11 32769 false",
          "request at -1",
          "error 5 bad sector",
          "end",
          "chunk 11 32770 true",
          "request at -1",
          "error at 512",
          "error 5 ",
          "end",
          "chunk 12 32999 true",
          "request at 1",
          "error 1 new kind",
          "end");

  private static List<String> decode(byte[] stream, int... cuts) throws NbdProtocolException {
    ReplyLog log = new ReplyLog(0);
    ReplyDecoder decoder = new ReplyDecoder(HeaderStyle.EXTENDED, log);
    int from = 0;
    for (int cut : cuts) {
      feed(decoder, stream, from, cut);
      from = cut;
    }
    feed(decoder, stream, from, stream.length);
    assertThat(decoder.atBoundary()).isTrue();
    return log.events();
  }

  private static void feed(ReplyDecoder decoder, byte[] stream, int from, int to)
      throws NbdProtocolException {
    ByteBuf in = Unpooled.wrappedBuffer(stream, from, to - from);
    boolean more = true;
    while (more) {
      more = decoder.decode(in);
    }
    assertThat(in.isReadable()).isFalse();
  }

  @Test
  void decodesAllKindsOfChunksAtOnce() throws Exception {
    assertThat(decode(STREAM)).isEqualTo(EVENTS);
  }

  @Test
  void decodesOneByteAtATime() throws Exception {
    int[] everywhere = new int[STREAM.length];
    for (int i = 0; i < everywhere.length; i++) {
      everywhere[i] = i;
    }
    assertThat(decode(STREAM, everywhere)).isEqualTo(EVENTS);
  }

  @Test
  void decodesWhateverOffsetItIsCutAt() throws Exception {
    for (int cut = 0; cut <= STREAM.length; cut++) {
      assertThat(decode(STREAM, cut)).as("cut at %d", cut).isEqualTo(EVENTS);
    }
  }

  @Test
  void refusesBlockStatusOfTheWrongShape() {
    assertRefused(o -> header(o, 6, 23), "length: 23");
    assertRefused(o -> header(o, 6, 25), "length: 25");
    assertRefused(o -> header(o, 6, 8), "length: 8");
    assertRefused(o -> header(o, 6, 8 + 16 * ((1L << 20) + 1)), "length: 16777240");
    assertRefused(o -> header(o, 5, 12), "expected: the one for EXTENDED headers");
    assertRefused(o -> chunk(o, 1, 0, true, 6, d -> status(d, 1, 0, 0)), "extent of length 0");
    assertRefused(o -> chunk(o, 1, 0, true, 6, d -> status(d, 1, -1, 0)), "expected: 1..2^63-1");
  }

  @Test
  void refusesLengthsOverTheMaximumBeforeTheyCome() {
    assertRefused(o -> header(o, 1, 8 + (32 << 20) + 1), "length: 33554441");
    assertRefused(o -> header(o, 1, 1L << 31), "expected: < 2^31");
    assertRefused(o -> header(o, 1, 1L << 32 | 16), "expected: < 2^31");
    assertRefused(o -> header(o, 1, -1), "length: 18446744073709551615");
    assertRefused(o -> header(o, 32769, 4111), "length: 4111");
  }

  private static void assertRefused(Fields fields, String reason) {
    assertThatThrownBy(() -> decode(bytes(fields)))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining(reason);
  }

  private static void header(DataOutputStream o, int type, long length) throws IOException {
    header(o, 1, 0, true, type, length);
  }

  private static void header(
      DataOutputStream o, long cookie, long offset, boolean done, int type, long length)
      throws IOException {
    o.writeInt(NbdProtocol.EXTENDED_REPLY_MAGIC);
    o.writeShort(done ? 1 : 0);
    o.writeShort(type);
    o.writeLong(cookie);
    o.writeLong(offset);
    o.writeLong(length);
  }

  private static void chunk(
      DataOutputStream o, long cookie, long offset, boolean done, int type, Fields payload)
      throws IOException {
    byte[] data = bytes(payload);
    header(o, cookie, offset, done, type, data.length);
    o.write(data);
  }

  private static void data(DataOutputStream o, long offset, String text) throws IOException {
    o.writeLong(offset);
    o.writeBytes(text);
  }

  private static void longAndInt(DataOutputStream o, long first, int second) throws IOException {
    o.writeLong(first);
    o.writeInt(second);
  }

  private static void status(DataOutputStream o, int contextId, long... lengthsAndFlags)
      throws IOException {
    o.writeInt(contextId);
    o.writeInt(lengthsAndFlags.length / 2);
    for (long value : lengthsAndFlags) {
      o.writeLong(value);
    }
  }

  private static void error(DataOutputStream o, int error, String message) throws IOException {
    o.writeInt(error);
    o.writeShort(message.length());
    o.writeBytes(message);
  }
}
