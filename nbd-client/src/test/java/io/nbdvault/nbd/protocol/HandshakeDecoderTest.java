package io.nbdvault.nbd.protocol;

import static io.nbdvault.nbd.testkit.ScriptedPeer.bytes;
import static io.nbdvault.nbd.testkit.ScriptedPeer.writeOptionReply;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.testkit.ScriptedPeer.Fields;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HandshakeDecoderTest {
  private static final byte[] GREETING =
      bytes(
          o -> {
            o.writeLong(NbdProtocol.NBDMAGIC);
            o.writeLong(NbdProtocol.IHAVEOPT);
            o.writeShort(3);
          });

  private static final byte[] GO_REPLIES =
      bytes(
          o -> {
            writeOptionReply(
                o, NbdProtocol.OPT_GO, NbdProtocol.REP_INFO, d -> export(d, 1 << 20, 1));
            writeOptionReply(
                o, NbdProtocol.OPT_GO, NbdProtocol.REP_INFO, d -> sizes(d, 512, 4096, -1));
            writeOptionReply(o, NbdProtocol.OPT_GO, NbdProtocol.REP_INFO, d -> d.writeShort(1));
            writeOptionReply(o, NbdProtocol.OPT_GO, NbdProtocol.REP_ACK, d -> {});
          });

  private static final List<HandshakeMessage> GO_MESSAGES =
      List.of(
          new HandshakeMessage.ExportInformation(7, 1 << 20, 1),
          new HandshakeMessage.BlockSizeInformation(7, new BlockSizes(512, 4096, 32 << 20)),
          new HandshakeMessage.OtherInformation(7, 1),
          new HandshakeMessage.Ack(7));

  @Test
  void decodesTheHandshakeWhateverOffsetItIsCutAt() throws Exception {
    for (int cut = 0; cut <= GREETING.length; cut++) {
      HandshakeDecoder decoder = new HandshakeDecoder();
      List<HandshakeMessage> messages = new ArrayList<>();
      feed(decoder, slice(GREETING, 0, cut), messages);
      feed(decoder, slice(GREETING, cut, GREETING.length), messages);
      assertThat(messages).containsExactly(new HandshakeMessage.Greeting(3));
    }
    for (int cut = 0; cut <= GO_REPLIES.length; cut++) {
      HandshakeDecoder decoder = new HandshakeDecoder();
      decoder.expectOption(NbdProtocol.OPT_GO);
      List<HandshakeMessage> messages = new ArrayList<>();
      feed(decoder, slice(GO_REPLIES, 0, cut), messages);
      feed(decoder, slice(GO_REPLIES, cut, GO_REPLIES.length), messages);
      assertThat(messages).isEqualTo(GO_MESSAGES);
    }
  }

  @Test
  void decodesOneByteAtATime() throws Exception {
    HandshakeDecoder decoder = new HandshakeDecoder();
    decoder.expectOption(NbdProtocol.OPT_GO);
    List<HandshakeMessage> messages = new ArrayList<>();
    for (int i = 0; i < GO_REPLIES.length; i++) {
      feed(decoder, slice(GO_REPLIES, i, i + 1), messages);
    }
    assertThat(messages).isEqualTo(GO_MESSAGES);
  }

  @Test
  void decodesExportNameWithAndWithoutZeroes() throws Exception {
    for (boolean noZeroes : new boolean[] {true, false}) {
      HandshakeDecoder decoder = new HandshakeDecoder();
      decoder.expectExportNameReply(noZeroes);
      byte[] stream = bytes(o -> exportName(o, noZeroes ? 0 : 124));
      List<HandshakeMessage> messages = new ArrayList<>();
      feed(decoder, slice(stream, 0, stream.length - 1), messages);
      assertThat(messages).isEmpty();
      feed(decoder, slice(stream, stream.length - 1, stream.length), messages);
      assertThat(messages).containsExactly(new HandshakeMessage.ExportNameReply(4096, 3));
    }
  }

  @Test
  void recognisesOldstyleAndStrangersByTheirFirstSixteenBytes() {
    assertThatThrownBy(() -> feedFresh(o -> greeting(o, NbdProtocol.OLDSTYLE_MAGIC)))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("oldstyle");
    assertThatThrownBy(() -> feedFresh(o -> o.writeBytes("HTTP/1.1 400 Bad Request")))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("not an NBD server");
    assertThatThrownBy(() -> feedFresh(o -> greeting(o, 1)))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("IHAVEOPT");
  }

  @Test
  void refusesWrongMagicAndWrongEcho() {
    assertRefused(o -> o.write(new byte[20]), "magic 0x0");
    assertRefused(o -> writeOptionReply(o, 6, 1, d -> {}), "for option 6 (expected: 7)");
  }

  @Test
  void refusesOptionRepliesOverTheCapBeforeTheyCome() {
    assertRefused(
        o -> {
          o.writeLong(NbdProtocol.OPTION_REPLY_MAGIC);
          o.writeInt(7);
          o.writeInt(NbdProtocol.REP_INFO);
          o.writeInt(-1);
        },
        "length: 4294967295");
  }

  @Test
  void refusesNonsenseInformation() {
    assertRefused(o -> info(o, d -> export(d, -1, 1)), "expected: < 2^63");
    assertRefused(o -> info(o, d -> export(d, 1, 0)), "HAS_FLAGS");
    assertRefused(o -> info(o, d -> sizes(d, 0, 4096, 4096)), "block sizes");
    assertRefused(o -> info(o, d -> sizes(d, 3, 4096, 4095)), "block sizes");
    assertRefused(o -> info(o, d -> sizes(d, 1 << 17, 1 << 17, 1 << 17)), "block sizes");
    assertRefused(o -> info(o, d -> sizes(d, 512, 256, 4096)), "block sizes");
    assertRefused(o -> info(o, d -> sizes(d, 512, 4096, 4097)), "block sizes");
    assertRefused(o -> info(o, d -> d.write(0)), "INFO: 1 bytes");
    assertRefused(o -> writeOptionReply(o, 7, NbdProtocol.REP_ACK, d -> d.write(0)), "ACK");
    assertRefused(
        o -> writeOptionReply(o, 7, NbdProtocol.REP_SERVER, d -> {}), "unexpected reply type 2");
  }

  @Test
  void refusesStringsThatAreTooLongOrNotText() {
    int refusal = NbdProtocol.REP_ERR_POLICY;
    assertRefused(
        o -> writeOptionReply(o, 7, refusal, d -> d.write(new byte[] {(byte) 0xff})), "not UTF-8");
    assertRefused(o -> writeOptionReply(o, 7, refusal, d -> d.write(new byte[1])), "contains NUL");
    assertRefused(
        o -> writeOptionReply(o, 7, refusal, d -> d.writeBytes("x".repeat(4097))), "4097 bytes");
  }

  @Test
  void refusesNamesLongerThanTheirReply() {
    HandshakeDecoder decoder = new HandshakeDecoder();
    decoder.expectOption(NbdProtocol.OPT_LIST);
    byte[] stream =
        bytes(
            o ->
                writeOptionReply(
                    o,
                    NbdProtocol.OPT_LIST,
                    NbdProtocol.REP_SERVER,
                    d -> {
                      d.writeInt(5);
                      d.writeBytes("disk");
                    }));
    assertThatThrownBy(() -> feed(decoder, stream, new ArrayList<>()))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("only 4 are there");
  }

  @Test
  void escapesControlCharactersInRefusals() throws Exception {
    HandshakeDecoder decoder = new HandshakeDecoder();
    decoder.expectOption(7);
    List<HandshakeMessage> messages = new ArrayList<>();
    int type = NbdProtocol.REP_ERR_UNKNOWN;
    feed(
        decoder,
        bytes(o -> writeOptionReply(o, 7, type, d -> d.writeBytes("a\u001b[2J"))),
        messages);
    assertThat(messages).containsExactly(new HandshakeMessage.Refusal(7, type, "a\\u001b[2J"));
  }

  private static void assertRefused(Fields fields, String reason) {
    HandshakeDecoder decoder = new HandshakeDecoder();
    decoder.expectOption(NbdProtocol.OPT_GO);
    assertThatThrownBy(() -> feed(decoder, bytes(fields), new ArrayList<>()))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining(reason);
  }

  private static void feedFresh(Fields fields) throws NbdProtocolException {
    feed(new HandshakeDecoder(), bytes(fields), new ArrayList<>());
  }

  private static void feed(HandshakeDecoder decoder, byte[] stream, List<HandshakeMessage> messages)
      throws NbdProtocolException {
    ByteBuf in = Unpooled.wrappedBuffer(stream);
    HandshakeMessage message = decoder.decode(in);
    while (message != null) {
      messages.add(message);
      message = in.isReadable() ? decoder.decode(in) : null;
    }
    assertThat(in.isReadable()).isFalse();
  }

  private static byte[] slice(byte[] stream, int from, int to) {
    return Arrays.copyOfRange(stream, from, to);
  }

  private static void greeting(DataOutputStream o, long secondMagic) throws IOException {
    o.writeLong(NbdProtocol.NBDMAGIC);
    o.writeLong(secondMagic);
  }

  private static void exportName(DataOutputStream o, int zeroes) throws IOException {
    o.writeLong(4096);
    o.writeShort(3);
    o.write(new byte[zeroes]);
  }

  private static void info(DataOutputStream o, Fields data) throws IOException {
    writeOptionReply(o, NbdProtocol.OPT_GO, NbdProtocol.REP_INFO, data);
  }

  private static void export(DataOutputStream o, long size, int flags) throws IOException {
    o.writeShort(NbdProtocol.INFO_EXPORT);
    o.writeLong(size);
    o.writeShort(flags);
  }

  private static void sizes(DataOutputStream o, int minimum, int preferred, int maximum)
      throws IOException {
    o.writeShort(NbdProtocol.INFO_BLOCK_SIZE);
    o.writeInt(minimum);
    o.writeInt(preferred);
    o.writeInt(maximum);
  }

  @Test
  void countsStringLengthsInBytes() {
    assertThat("ä".getBytes(StandardCharsets.UTF_8)).hasSize(2);
    assertThatThrownBy(() -> OptionEncoder.exportName(Unpooled.buffer(), "ä".repeat(2049)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("4098 bytes");
  }
}
