package io.nbdvault.nbd.server.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.protocol.RequestEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** However the bytes are cut, what is decoded is the same. */
final class DecoderCutsTest {
  private interface Decoding {
    void decode(ByteBuf piece, List<String> events) throws NbdProtocolException;
  }

  private interface NewDecoding {
    Decoding begin();
  }

  private static ByteBuf options() {
    ByteBuf out = Unpooled.buffer();
    OptionEncoder.clientFlags(out, 3);
    OptionEncoder.plain(out, NbdProtocol.OPT_STRUCTURED_REPLY);
    OptionEncoder.plain(out, 1234);
    OptionEncoder.metaContext(
        out, NbdProtocol.OPT_SET_META_CONTEXT, "däsk", List.of("base:allocation", "x:"));
    OptionEncoder.plain(out, NbdProtocol.OPT_LIST);
    // A name that is longer than what holds it.
    out.writeLong(NbdProtocol.IHAVEOPT).writeInt(NbdProtocol.OPT_INFO).writeInt(5);
    out.writeInt(2).writeByte(65);
    OptionEncoder.exportName(out, "");
    OptionEncoder.goOrInfo(out, NbdProtocol.OPT_GO, "disk", NbdProtocol.INFO_BLOCK_SIZE, 0);
    return out;
  }

  private static Decoding decodeOptions() {
    OptionDecoder decoder = new OptionDecoder();
    return (piece, events) -> {
      ClientMessage message = decoder.decode(piece);
      while (message != null) {
        events.add(message.toString());
        message = decoder.decode(piece);
      }
      assertThat(piece.isReadable()).isFalse();
    };
  }

  private static ByteBuf requests(HeaderStyle style) {
    ByteBuf out = Unpooled.buffer();
    RequestEncoder.encode(out, style, 0, Command.READ, 1, 4096, 512);
    RequestEncoder.encode(out, style, 1, Command.WRITE, 2, -1, 5);
    out.writeBytes(new byte[] {1, 2, 3, 4, 5});
    RequestEncoder.encode(out, style, 0, Command.WRITE, 3, 0, 3);
    out.writeBytes(new byte[] {6, 7, 8});
    RequestEncoder.encode(out, style, 0, Command.WRITE, 4, 0, 0);
    RequestEncoder.encode(out, style, 8, Command.BLOCK_STATUS, -1, 7, 0xffffffffL);
    RequestEncoder.encode(out, style, 0, Command.DISC, 0, 0, 0);
    return out;
  }

  /** Takes the payloads with even cookies, and skips the others. */
  private static Decoding decodeRequests(HeaderStyle style) {
    RequestDecoder decoder = new RequestDecoder(style);
    ByteBuf payload = Unpooled.buffer();
    return (piece, events) -> {
      RequestDecoder.Event event = decoder.decode(piece);
      while (event != RequestDecoder.Event.NEED_MORE) {
        events.add(event + " " + decoder.header());
        if (event == RequestDecoder.Event.PAYLOAD) {
          events.add("payload of " + payload.readableBytes() + ": " + payload);
          payload.clear();
        } else if (decoder.header().payloadBytes() > 0) {
          if (decoder.header().cookie() % 2 == 0) {
            decoder.receivePayload(payload);
          } else {
            decoder.skipPayload();
          }
        }
        event = decoder.decode(piece);
      }
      assertThat(piece.isReadable()).isFalse();
    };
  }

  private static void sameHoweverCut(ByteBuf stream, NewDecoding decoding, int events)
      throws NbdProtocolException {
    List<String> whole = new ArrayList<>();
    decoding.begin().decode(stream.duplicate(), whole);
    assertThat(whole).hasSize(events);
    List<String> single = new ArrayList<>();
    Decoding byBytes = decoding.begin();
    for (int i = 0; i < stream.readableBytes(); i++) {
      byBytes.decode(stream.slice(i, 1), single);
    }
    assertThat(single).isEqualTo(whole);
    for (int cut = 0; cut <= stream.readableBytes(); cut++) {
      List<String> halves = new ArrayList<>();
      Decoding twice = decoding.begin();
      twice.decode(stream.slice(0, cut), halves);
      twice.decode(stream.slice(cut, stream.readableBytes() - cut), halves);
      assertThat(halves).as("cut at %s", cut).isEqualTo(whole);
    }
  }

  @Test
  void optionsAreTheSameHoweverTheyAreCut() throws Exception {
    sameHoweverCut(options(), DecoderCutsTest::decodeOptions, 8);
  }

  @ParameterizedTest
  @EnumSource(HeaderStyle.class)
  void requestsAreTheSameHoweverTheyAreCut(HeaderStyle style) throws Exception {
    sameHoweverCut(requests(style), () -> decodeRequests(style), 10);
  }

  @Test
  void optionsAreDecodedAsTheyWereMeant() throws Exception {
    List<String> events = new ArrayList<>();
    decodeOptions().decode(options(), events);
    assertThat(events.get(0)).isEqualTo(new ClientMessage.Flags(3).toString());
    assertThat(events.get(2)).isEqualTo(new ClientMessage.Unknown(1234).toString());
    assertThat(events.get(3))
        .isEqualTo(
            new ClientMessage.MetaContext(
                    NbdProtocol.OPT_SET_META_CONTEXT, "däsk", List.of("base:allocation", "x:"))
                .toString());
    assertThat(events.get(5)).startsWith("Malformed").contains("2 bytes, but only 1");
    assertThat(events.get(6)).isEqualTo(new ClientMessage.ExportName("").toString());
  }

  @Test
  void wrongMagicIsNoticedWithItsLastByte() throws Exception {
    RequestDecoder decoder = new RequestDecoder(HeaderStyle.STRUCTURED);
    assertThat(decoder.decode(Unpooled.copyMedium(0x256095)))
        .isEqualTo(RequestDecoder.Event.NEED_MORE);
    assertThatThrownBy(() -> decoder.decode(Unpooled.wrappedBuffer(new byte[] {0x14})))
        .isInstanceOf(NbdProtocolException.class);
  }
}
