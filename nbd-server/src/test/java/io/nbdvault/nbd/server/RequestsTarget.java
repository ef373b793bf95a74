package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.fuzz.Allocation;
import io.nbdvault.nbd.fuzz.FuzzInput;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.server.protocol.RequestDecoder;
import io.nbdvault.nbd.server.protocol.RequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whatever a client sends in the transmission phase. {@code | what the export is (1) | how it is
 * cut (1) | stream |}.
 */
public final class RequestsTarget {
  private static final long SIZE_BYTES = (1 << 20) + 512;
  private static final int MAXIMUM_BYTES = 1 << 16;

  private RequestsTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int what = input.choice();
    int cut = input.choice();
    List<String> whole = Allocation.bounded(bytes.length, () -> decode(what, input.whole()));
    same(whole, decode(what, input.singleBytes()));
    same(whole, decode(what, input.pieces(cut)));
  }

  private static void same(List<String> whole, List<String> other) {
    if (!whole.equals(other)) {
      throw new AssertionError("in one piece " + whole + ", but cut " + other);
    }
  }

  private static List<String> decode(int what, List<ByteBuf> pieces) {
    HeaderStyle style =
        switch (what & 3) {
          case 0 -> HeaderStyle.SIMPLE;
          case 1 -> HeaderStyle.STRUCTURED;
          default -> HeaderStyle.EXTENDED;
        };
    BlockSizes sizes = new BlockSizes((what & 8) == 0 ? 1 : 512, 4096, MAXIMUM_BYTES);
    ExportInfo info = new ExportInfo("", "", SIZE_BYTES, (what & 16) == 0, true, sizes);
    RequestRules rules = new RequestRules(info, style, (what & 32) == 0, ServerLimits.DEFAULT);
    RequestDecoder decoder = new RequestDecoder(style);
    List<String> events = new ArrayList<>();
    ByteBuf[] payload = new ByteBuf[] {Unpooled.buffer()};
    try {
      for (ByteBuf piece : pieces) {
        RequestDecoder.Event event = decoder.decode(piece);
        while (event != RequestDecoder.Event.NEED_MORE) {
          events.add(event(event, decoder, rules, info, payload));
          event = decoder.decode(piece);
        }
        if (piece.isReadable()) {
          throw new AssertionError(piece.readableBytes() + " bytes left unread");
        }
      }
    } catch (NbdProtocolException e) {
      events.add("dropped: " + e.getMessage());
    }
    return events;
  }

  private static String event(
      RequestDecoder.Event event,
      RequestDecoder decoder,
      RequestRules rules,
      ExportInfo info,
      ByteBuf[] payload) {
    RequestHeader header = decoder.header();
    if (event == RequestDecoder.Event.PAYLOAD) {
      return "payload " + hex(payload[0]);
    }
    Command command = RequestRules.command(header);
    RequestRules.Refusal refusal = rules.refusal(command, header);
    payload[0] = Unpooled.buffer();
    if (header.payloadBytes() > 0) {
      if (refusal == null) {
        decoder.receivePayload(payload[0]);
      } else {
        decoder.skipPayload();
      }
    }
    if (refusal == null) {
      check(command, header, info);
    }
    return header + " " + refusal;
  }

  /** Not by Netty's own means, whose allocators the fuzzer's hooks break. */
  private static String hex(ByteBuf bytes) {
    return HexFormat.of().formatHex(bytes.array(), 0, bytes.writerIndex());
  }

  /** What an export may rely on. */
  private static void check(@Nullable Command command, RequestHeader header, ExportInfo info) {
    if (command == null) {
      throw new AssertionError("an unknown command was let through: " + header);
    }
    long offset = header.offsetBytes();
    long length = header.lengthBytes();
    boolean hasRange = command != Command.FLUSH && command != Command.DISC;
    boolean isWithin =
        offset >= 0
            && length >= 1
            && length <= info.sizeBytes()
            && offset <= info.sizeBytes() - length;
    boolean hasContent = command == Command.READ || command == Command.WRITE;
    int block = info.blockSizes().minimumBytes();
    if ((hasRange && (!isWithin || offset % block != 0 || length % block != 0))
        || (hasContent && length > MAXIMUM_BYTES)
        || (command == Command.WRITE && info.isReadOnly())) {
      throw new AssertionError("let through: " + command + " " + header);
    }
    if (RequestRules.costBytes(command, header) < FixedLimits.REQUEST_BYTES) {
      throw new AssertionError("costs nothing: " + header);
    }
  }
}
