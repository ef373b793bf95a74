package io.nbdvault.nbd.fuzz;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.HandshakeDecoder;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Whatever a server sends before the transmission phase. {@code | what is expected (1) | option (1)
 * | how it is cut (1) | stream |}.
 */
public final class HandshakeTarget {
  private HandshakeTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int expected = input.choice();
    int option = input.choice();
    int cut = input.choice();
    List<String> whole =
        Allocation.bounded(bytes.length, () -> decode(expected, option, input.whole()));
    same(whole, decode(expected, option, input.singleBytes()), "byte by byte");
    same(whole, decode(expected, option, input.pieces(cut)), "cut with seed " + cut);
  }

  private static void same(List<String> whole, List<String> other, String how) {
    if (!whole.equals(other)) {
      throw new AssertionError("in one piece " + whole + ", but " + how + " " + other);
    }
  }

  private static List<String> decode(int expected, int option, List<ByteBuf> pieces) {
    HandshakeDecoder decoder = new HandshakeDecoder();
    switch (expected & 3) {
      case 0 -> decoder.expectExportNameReply(true);
      case 1 -> decoder.expectExportNameReply(false);
      case 2 -> decoder.expectOption(option);
      default -> {
        // The greeting, which a new decoder expects.
      }
    }
    List<String> events = new ArrayList<>();
    try {
      for (ByteBuf piece : pieces) {
        decode(decoder, option, piece, events);
      }
    } catch (NbdProtocolException e) {
      events.add("refused: " + e.getMessage());
    }
    return events;
  }

  private static void decode(
      HandshakeDecoder decoder, int option, ByteBuf piece, List<String> events)
      throws NbdProtocolException {
    while (true) {
      HandshakeMessage message = decoder.decode(piece);
      if (message == null) {
        break;
      }
      check(message);
      events.add(message.toString());
      if (message instanceof HandshakeMessage.Greeting) {
        decoder.expectOption(option);
      } else if (message instanceof HandshakeMessage.ExportNameReply) {
        // The transmission phase begins; whatever follows is no business of this decoder.
        piece.skipBytes(piece.readableBytes());
        throw new NbdProtocolException("over");
      }
    }
    if (piece.isReadable()) {
      throw new AssertionError("more bytes wanted, but " + piece.readableBytes() + " left unread");
    }
  }

  private static void check(HandshakeMessage message) {
    if (message instanceof HandshakeMessage.Greeting greeting) {
      require(greeting.flags() >>> 16 == 0, message);
    } else if (message instanceof HandshakeMessage.ExportNameReply reply) {
      require(reply.sizeBytes() >= 0 && (reply.flags() & NbdProtocol.FLAG_HAS_FLAGS) != 0, message);
    } else if (message instanceof HandshakeMessage.ExportInformation export) {
      require(
          export.sizeBytes() >= 0 && (export.flags() & NbdProtocol.FLAG_HAS_FLAGS) != 0, message);
    } else if (message instanceof HandshakeMessage.Server server) {
      require(isWireString(server.exportName()) && isWireString(server.details()), message);
    } else if (message instanceof HandshakeMessage.MetaContext context) {
      require(isWireString(context.name()), message);
    } else if (message instanceof HandshakeMessage.Description description) {
      require(isWireString(description.text()), message);
    } else if (message instanceof HandshakeMessage.Refusal refusal) {
      require(refusal.message().chars().noneMatch(Character::isISOControl), message);
      require((refusal.type() & NbdProtocol.REP_FLAG_ERROR) != 0, message);
      require(!refusal.reason().isEmpty() && refusal.errno() != null, message);
    }
  }

  private static boolean isWireString(String text) {
    return text.indexOf('\0') < 0
        && text.getBytes(StandardCharsets.UTF_8).length <= NbdProtocol.STRING_BYTES_MAX;
  }

  private static void require(boolean valid, HandshakeMessage message) {
    if (!valid) {
      throw new AssertionError("let through: " + message);
    }
  }
}
