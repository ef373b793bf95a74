package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.HandshakeDecoder;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.protocol.WireString;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A client's option haggling, without a socket: bytes in, bytes out. One option is out at a time.
 *
 * <pre>
 *  GREETING → STRUCTURED_REPLY → SET_META_CONTEXT → GO or INFO → DONE
 *           |                  → LIST_META_CONTEXT → DONE
 *           |                                         GO → EXPORT_NAME → DONE    (no GO there)
 *           → LIST → DONE
 *           → EXPORT_NAME → DONE                                  (not fixed newstyle)
 * </pre>
 */
final class Negotiation {
  /** What the connection is for. */
  enum Goal {
    TRANSMISSION,
    EXPORT_INFO,
    LIST_EXPORTS,
    LIST_META_CONTEXTS
  }

  private enum State {
    GREETING,
    STRUCTURED_REPLY,
    SET_META_CONTEXT,
    LIST_META_CONTEXT,
    GO,
    INFO,
    EXPORT_NAME,
    LIST,
    DONE
  }

  private final Goal goal;
  private final String exportName;
  private final List<String> queries;
  private final HandshakeDecoder decoder = new HandshakeDecoder();
  private final Map<Integer, String> contexts = new LinkedHashMap<>();
  private final List<String> names = new ArrayList<>();
  private State state = State.GREETING;
  private long bytesTaken;
  private int repliesToOption;
  private boolean noZeroes;
  private boolean structuredReplies;
  private BlockSizes blockSizes = BlockSizes.DEFAULT;
  private HandshakeMessage.@Nullable ExportInformation exportInformation;
  private @Nullable ExportInfo export;

  /**
   * Begins with waiting for the greeting.
   *
   * @param queries metadata contexts to ask for
   */
  Negotiation(Goal goal, String exportName, List<String> queries) {
    this.goal = goal;
    this.exportName = exportName;
    this.queries = List.copyOf(queries);
  }

  /**
   * Consumes what has come and appends what is to be sent; borrows both buffers.
   *
   * @return whether the handshake is over; what is left in {@code in} then was not asked for
   * @throws NbdServerException if the server said no
   * @throws NbdProtocolException if it broke the protocol or a limit
   */
  boolean accept(ByteBuf in, ByteBuf out) throws NbdException {
    bytesTaken += in.readableBytes();
    if (bytesTaken > ClientLimits.HANDSHAKE_BYTES_MAX) {
      throw new NbdProtocolException(
          "handshake: more than " + ClientLimits.HANDSHAKE_BYTES_MAX + " bytes");
    }
    while (state != State.DONE) {
      HandshakeMessage message = decoder.decode(in);
      if (message == null) {
        return false;
      }
      accept(message, out);
    }
    return true;
  }

  /** Where the handshake is, for messages. */
  String phase() {
    return state.name();
  }

  Negotiated result() {
    return new Negotiated(export, contexts, names);
  }

  private void accept(HandshakeMessage message, ByteBuf out) throws NbdException {
    if (message instanceof HandshakeMessage.Greeting greeting) {
      greeting(greeting, out);
    } else if (message instanceof HandshakeMessage.ExportNameReply reply) {
      enter(reply.sizeBytes(), reply.flags());
    } else if (message instanceof HandshakeMessage.OptionReply reply) {
      if (++repliesToOption > ClientLimits.OPTION_REPLIES_MAX) {
        throw new NbdProtocolException(
            state + ": more than " + ClientLimits.OPTION_REPLIES_MAX + " replies");
      }
      optionReply(reply, out);
    }
  }

  private void greeting(HandshakeMessage.Greeting greeting, ByteBuf out) throws NbdException {
    int agreed = greeting.flags() & (NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
    noZeroes = (agreed & NbdProtocol.FLAG_NO_ZEROES) != 0;
    OptionEncoder.clientFlags(out, agreed);
    if ((agreed & NbdProtocol.FLAG_FIXED_NEWSTYLE) != 0) {
      if (goal == Goal.LIST_EXPORTS) {
        sendPlain(out, State.LIST, NbdProtocol.OPT_LIST);
      } else {
        sendPlain(out, State.STRUCTURED_REPLY, NbdProtocol.OPT_STRUCTURED_REPLY);
      }
    } else if (goal == Goal.TRANSMISSION) {
      sendExportName(out);
    } else {
      throw new NbdServerException(
          NbdErrno.ENOTSUP, "the server speaks no fixed newstyle NBD and can only be opened");
    }
  }

  private void optionReply(HandshakeMessage.OptionReply reply, ByteBuf out) throws NbdException {
    if (reply instanceof HandshakeMessage.Server server) {
      names.add(server.exportName());
    } else if (reply instanceof HandshakeMessage.ExportInformation information) {
      exportInformation = information;
    } else if (reply instanceof HandshakeMessage.BlockSizeInformation information) {
      blockSizes = information.sizes();
    } else if (reply instanceof HandshakeMessage.MetaContext context) {
      metaContext(context);
    } else if (reply instanceof HandshakeMessage.Ack) {
      acknowledged(out);
    } else if (reply instanceof HandshakeMessage.Refusal refusal) {
      refused(refusal, out);
    }
  }

  private void metaContext(HandshakeMessage.MetaContext context) throws NbdProtocolException {
    if (state == State.LIST_META_CONTEXT) {
      names.add(context.name());
      return;
    }
    if (contexts.containsValue(context.name())
        || contexts.put(context.id(), context.name()) != null) {
      throw new NbdProtocolException(
          "SET_META_CONTEXT: " + WireString.escape(context.name()) + " or its id came twice");
    }
  }

  private void acknowledged(ByteBuf out) throws NbdException {
    switch (state) {
      case STRUCTURED_REPLY -> {
        structuredReplies = true;
        if (goal == Goal.LIST_META_CONTEXTS) {
          sendMetaContext(out, State.LIST_META_CONTEXT, NbdProtocol.OPT_LIST_META_CONTEXT);
        } else if (queries.isEmpty()) {
          sendGoOrInfo(out);
        } else {
          sendMetaContext(out, State.SET_META_CONTEXT, NbdProtocol.OPT_SET_META_CONTEXT);
        }
      }
      case SET_META_CONTEXT -> sendGoOrInfo(out);
      case GO, INFO -> {
        if (exportInformation == null) {
          throw new NbdProtocolException(state + ": acknowledged without INFO_EXPORT");
        }
        if (state == State.INFO) {
          OptionEncoder.plain(out, NbdProtocol.OPT_ABORT);
        }
        enter(exportInformation.sizeBytes(), exportInformation.flags());
      }
      case LIST, LIST_META_CONTEXT -> {
        OptionEncoder.plain(out, NbdProtocol.OPT_ABORT);
        state = State.DONE;
      }
      case GREETING, EXPORT_NAME, DONE ->
          throw new IllegalStateException("acknowledgement in state " + state);
    }
  }

  private void refused(HandshakeMessage.Refusal refusal, ByteBuf out) throws NbdException {
    boolean carriesOn =
        goal != Goal.LIST_META_CONTEXTS
            && refusal.type() != NbdProtocol.REP_ERR_SHUTDOWN
            && (state == State.STRUCTURED_REPLY || state == State.SET_META_CONTEXT);
    if (carriesOn) {
      contexts.clear();
      sendGoOrInfo(out);
    } else if (state == State.GO && refusal.type() == NbdProtocol.REP_ERR_UNSUP) {
      sendExportName(out);
    } else {
      String what = state == State.LIST ? "" : " of '" + WireString.escape(exportName) + "'";
      throw new NbdServerException(refusal.errno(), state + what + ": " + refusal.reason());
    }
  }

  private void sendPlain(ByteBuf out, State next, int option) {
    expect(next, option);
    OptionEncoder.plain(out, option);
  }

  private void sendMetaContext(ByteBuf out, State next, int option) {
    expect(next, option);
    // Listing takes no queries: then the server names all it has.
    List<String> asked = next == State.LIST_META_CONTEXT ? List.of() : queries;
    OptionEncoder.metaContext(out, option, exportName, asked);
  }

  private void sendGoOrInfo(ByteBuf out) {
    boolean go = goal == Goal.TRANSMISSION;
    int option = go ? NbdProtocol.OPT_GO : NbdProtocol.OPT_INFO;
    expect(go ? State.GO : State.INFO, option);
    // Whoever asks for block sizes promises to obey them.
    OptionEncoder.goOrInfo(out, option, exportName, NbdProtocol.INFO_BLOCK_SIZE);
  }

  private void sendExportName(ByteBuf out) {
    state = State.EXPORT_NAME;
    decoder.expectExportNameReply(noZeroes);
    OptionEncoder.exportName(out, exportName);
  }

  private void expect(State next, int option) {
    state = next;
    repliesToOption = 0;
    decoder.expectOption(option);
  }

  private void enter(long sizeBytes, int flags) {
    export =
        new ExportInfo(
            sizeBytes,
            (flags & NbdProtocol.FLAG_READ_ONLY) != 0,
            (flags & NbdProtocol.FLAG_CAN_MULTI_CONN) != 0,
            (flags & NbdProtocol.FLAG_SEND_FLUSH) != 0,
            (flags & NbdProtocol.FLAG_SEND_FUA) != 0,
            (flags & NbdProtocol.FLAG_SEND_TRIM) != 0,
            (flags & NbdProtocol.FLAG_SEND_WRITE_ZEROES) != 0,
            (flags & NbdProtocol.FLAG_SEND_FAST_ZERO) != 0,
            structuredReplies && (flags & NbdProtocol.FLAG_SEND_DF) != 0,
            (flags & NbdProtocol.FLAG_SEND_CACHE) != 0,
            blockSizes.minimumBytes(),
            blockSizes.preferredBytes(),
            blockSizes.maximumBytes(),
            structuredReplies,
            List.copyOf(contexts.values()));
    state = State.DONE;
  }
}
