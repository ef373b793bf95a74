package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.fuzz.Allocation;
import io.nbdvault.nbd.fuzz.FuzzInput;
import io.nbdvault.nbd.server.protocol.ClientMessage;
import io.nbdvault.nbd.server.protocol.OptionDecoder;
import io.nbdvault.nbd.server.testkit.MemoryDisk;
import io.nbdvault.nbd.server.testkit.MemoryExports;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Whatever a client sends before the transmission phase. {@code | how it is cut (1) | stream |}.
 */
public final class HagglingTarget {
  private HagglingTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int cut = input.choice();
    List<String> whole = Allocation.bounded(bytes.length, () -> haggle(input.whole()));
    same(whole, haggle(input.singleBytes()));
    same(whole, haggle(input.pieces(cut)));
  }

  private static void same(List<String> whole, List<String> other) {
    if (!whole.equals(other)) {
      throw new AssertionError("in one piece " + whole + ", but cut " + other);
    }
  }

  private static List<String> haggle(List<ByteBuf> pieces) {
    MemoryExports exports =
        new MemoryExports()
            .add("", new MemoryDisk(1 << 20), true)
            .add("a", new MemoryDisk(4096), false);
    Haggling haggling = new Haggling(ServerOptions.of(exports));
    OptionDecoder decoder = new OptionDecoder();
    List<String> events = new ArrayList<>();
    Haggling.Next next = Haggling.Next.CONTINUE;
    try {
      for (ByteBuf piece : pieces) {
        ClientMessage message = decoder.decode(piece);
        while (message != null && next == Haggling.Next.CONTINUE) {
          ByteBuf out = Unpooled.buffer();
          next = haggling.answer(message, out);
          events.add(message + " " + next + " " + hex(out));
          message = decoder.decode(piece);
        }
        if (next != Haggling.Next.CONTINUE) {
          break;
        }
        if (piece.isReadable()) {
          throw new AssertionError(piece.readableBytes() + " bytes left unread");
        }
      }
    } catch (NbdProtocolException e) {
      if (next == Haggling.Next.CONTINUE) {
        events.add("refused: " + e.getMessage());
      }
    }
    check(exports, haggling, next);
    return events;
  }

  /** Not by Netty's own means, whose allocators the fuzzer's hooks break. */
  private static String hex(ByteBuf bytes) {
    return HexFormat.of().formatHex(bytes.array(), 0, bytes.writerIndex());
  }

  private static void check(MemoryExports exports, Haggling haggling, Haggling.Next next) {
    int expected = next == Haggling.Next.TRANSMIT ? 1 : 0;
    if (exports.opened() != expected) {
      throw new AssertionError("opened " + exports.opened() + " times, and " + next);
    }
    if (expected == 1) {
      haggling.entered();
    }
    haggling.closeEntered();
  }
}
