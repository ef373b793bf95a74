package io.nbdvault.nbd.protocol;

import static io.nbdvault.nbd.testkit.ScriptedPeer.bytes;
import static io.nbdvault.nbd.testkit.ScriptedPeer.writeOptionReply;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.testkit.ScriptedPeer.Fields;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of message of the handshake, whole, a byte at a time and cut at every offset. */
final class HandshakeCutsTest {
  /** Messages that answer one question, and what they decode to. Never compared, only decoded. */
  @SuppressWarnings("ArrayRecordComponent")
  record Sample(
      Consumer<HandshakeDecoder> question, byte[] stream, List<HandshakeMessage> messages) {
    @Override
    public String toString() {
      return messages.toString();
    }
  }

  static Stream<Sample> samples() {
    return Stream.of(
        new Sample(
            decoder -> {},
            bytes(
                o -> {
                  o.writeLong(NbdProtocol.NBDMAGIC);
                  o.writeLong(NbdProtocol.IHAVEOPT);
                  o.writeShort(3);
                }),
            List.of(new HandshakeMessage.Greeting(3))),
        exportName(true),
        exportName(false),
        options(
            NbdProtocol.OPT_LIST,
            List.of(
                new HandshakeMessage.Server(3, "disk", "with details"),
                new HandshakeMessage.Server(3, "", ""),
                new HandshakeMessage.Ack(3)),
            o -> {
              writeOptionReply(
                  o, 3, NbdProtocol.REP_SERVER, d -> server(d, "disk", "with details"));
              writeOptionReply(o, 3, NbdProtocol.REP_SERVER, d -> server(d, "", ""));
              writeOptionReply(o, 3, NbdProtocol.REP_ACK, d -> {});
            }),
        options(
            NbdProtocol.OPT_SET_META_CONTEXT,
            List.of(
                new HandshakeMessage.MetaContext(10, -2, "base:allocation"),
                new HandshakeMessage.Ack(10)),
            o -> {
              writeOptionReply(
                  o, 10, NbdProtocol.REP_META_CONTEXT, d -> named(d, -2, "base:allocation"));
              writeOptionReply(o, 10, NbdProtocol.REP_ACK, d -> {});
            }),
        information(),
        options(
            NbdProtocol.OPT_GO,
            List.of(new HandshakeMessage.Refusal(7, NbdProtocol.REP_ERR_POLICY, "not today")),
            o ->
                writeOptionReply(
                    o, 7, NbdProtocol.REP_ERR_POLICY, d -> d.writeBytes("not today"))));
  }

  private static Sample exportName(boolean noZeroes) {
    return new Sample(
        decoder -> decoder.expectExportNameReply(noZeroes),
        bytes(
            o -> {
              o.writeLong(4096);
              o.writeShort(3);
              o.write(new byte[noZeroes ? 0 : NbdProtocol.EXPORT_NAME_ZEROES_BYTES]);
            }),
        List.of(new HandshakeMessage.ExportNameReply(4096, 3)));
  }

  private static Sample information() {
    return options(
        NbdProtocol.OPT_INFO,
        List.of(
            new HandshakeMessage.ExportInformation(6, 1 << 20, 1),
            new HandshakeMessage.BlockSizeInformation(6, new BlockSizes(512, 4096, 32 << 20)),
            new HandshakeMessage.Description(6, "a disk"),
            new HandshakeMessage.OtherInformation(6, NbdProtocol.INFO_NAME),
            new HandshakeMessage.Ack(6)),
        o -> {
          info(
              o,
              NbdProtocol.INFO_EXPORT,
              d -> {
                d.writeLong(1 << 20);
                d.writeShort(1);
              });
          info(
              o,
              NbdProtocol.INFO_BLOCK_SIZE,
              d -> {
                d.writeInt(512);
                d.writeInt(4096);
                d.writeInt(-1);
              });
          info(o, NbdProtocol.INFO_DESCRIPTION, d -> d.writeBytes("a disk"));
          info(o, NbdProtocol.INFO_NAME, d -> d.writeBytes("disk"));
          writeOptionReply(o, 6, NbdProtocol.REP_ACK, d -> {});
        });
  }

  private static Sample options(int option, List<HandshakeMessage> messages, Fields stream) {
    return new Sample(decoder -> decoder.expectOption(option), bytes(stream), messages);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void decodesAtOnce(Sample sample) throws Exception {
    assertThat(decode(sample)).isEqualTo(sample.messages());
  }

  @ParameterizedTest
  @MethodSource("samples")
  void decodesOneByteAtATime(Sample sample) throws Exception {
    int[] everywhere = new int[sample.stream().length];
    for (int i = 0; i < everywhere.length; i++) {
      everywhere[i] = i;
    }
    assertThat(decode(sample, everywhere)).isEqualTo(sample.messages());
  }

  @ParameterizedTest
  @MethodSource("samples")
  void decodesWhateverOffsetItIsCutAt(Sample sample) throws Exception {
    for (int cut = 0; cut <= sample.stream().length; cut++) {
      assertThat(decode(sample, cut)).as("cut at %d", cut).isEqualTo(sample.messages());
    }
  }

  private static List<HandshakeMessage> decode(Sample sample, int... cuts)
      throws NbdProtocolException {
    HandshakeDecoder decoder = new HandshakeDecoder();
    sample.question().accept(decoder);
    List<HandshakeMessage> messages = new ArrayList<>();
    int from = 0;
    for (int cut : cuts) {
      feed(decoder, sample.stream(), from, cut, messages);
      from = cut;
    }
    feed(decoder, sample.stream(), from, sample.stream().length, messages);
    return messages;
  }

  private static void feed(
      HandshakeDecoder decoder, byte[] stream, int from, int to, List<HandshakeMessage> messages)
      throws NbdProtocolException {
    ByteBuf in = Unpooled.wrappedBuffer(stream, from, to - from);
    HandshakeMessage message = decoder.decode(in);
    while (message != null) {
      messages.add(message);
      message = in.isReadable() ? decoder.decode(in) : null;
    }
    assertThat(in.isReadable()).isFalse();
  }

  private static void server(DataOutputStream o, String name, String details) throws IOException {
    named(o, name.length(), name + details);
  }

  private static void named(DataOutputStream o, int number, String text) throws IOException {
    o.writeInt(number);
    o.writeBytes(text);
  }

  private static void info(DataOutputStream o, int type, Fields data) throws IOException {
    writeOptionReply(
        o,
        NbdProtocol.OPT_INFO,
        NbdProtocol.REP_INFO,
        d -> {
          d.writeShort(type);
          data.write(d);
        });
  }
}
