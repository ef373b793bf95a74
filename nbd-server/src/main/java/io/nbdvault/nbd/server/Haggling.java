package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.WireString;
import io.nbdvault.nbd.server.protocol.ClientMessage;
import io.nbdvault.nbd.server.protocol.OptionReplyEncoder;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's end of option haggling, without a socket: takes one message of a client at a time
 * and writes what it is answered (proto.md, "Fixed newstyle negotiation" and "Option types").
 *
 * <p>What has been agreed on stays; STARTTLS makes all of it void. Calls the provider, and so is
 * called on a worker, by one thread at a time.
 */
final class Haggling {
  private static final Logger LOG = LoggerFactory.getLogger(Haggling.class);

  /** What to do once the answer has been sent. */
  enum Next {
    /** Wait for the client's next option. */
    CONTINUE,
    /** Shake hands for TLS. */
    START_TLS,
    /** Begin the transmission phase with {@link #entered}. */
    TRANSMIT,
    /** Disconnect. */
    CLOSE
  }

  /**
   * What a client has entered.
   *
   * @param contexts the metadata contexts it has chosen; their ids are their places
   */
  record Entered(Export export, HeaderStyle style, List<String> contexts) {}

  private record Chosen(String exportName, List<String> contexts) {}

  private final ServerOptions options;
  private int optionCount;
  private boolean noZeroes;
  private boolean isSecured;
  private HeaderStyle style = HeaderStyle.SIMPLE;
  private @Nullable Chosen chosen;
  private @Nullable Entered entered;

  Haggling(ServerOptions options) {
    this.options = options;
  }

  /** What the client has entered, once {@link #answer} has returned {@link Next#TRANSMIT}. */
  Entered entered() {
    Entered result = entered;
    if (result == null) {
      throw new IllegalStateException("no export has been entered");
    }
    return result;
  }

  /** Closes the export that was entered, if one was and nobody has taken it over. */
  void closeEntered() {
    if (entered != null) {
      entered.export().close();
    }
  }

  /**
   * Answers a message; blocks, and appends to {@code out}, which is borrowed.
   *
   * @throws NbdProtocolException if the client must be disconnected without an answer
   */
  Next answer(ClientMessage message, ByteBuf out) throws NbdProtocolException {
    if (message instanceof ClientMessage.Flags flags) {
      return clientFlags(flags.flags());
    }
    optionCount++;
    if (optionCount > options.limits().optionsMax()) {
      throw new NbdProtocolException("more than " + options.limits().optionsMax() + " options");
    }
    ClientMessage.Option option = (ClientMessage.Option) message;
    if (options.isTlsRequired() && !isSecured && !isAllowedInPlainText(option)) {
      if (option instanceof ClientMessage.ExportName) {
        throw new NbdProtocolException("EXPORT_NAME without TLS, which is required");
      }
      return refuse(out, option, NbdProtocol.REP_ERR_TLS_REQD, "TLS is required");
    }
    if (option instanceof ClientMessage.Unknown) {
      return refuse(out, option, NbdProtocol.REP_ERR_UNSUP, "the option is not known");
    } else if (option instanceof ClientMessage.Malformed malformed) {
      return refuse(out, option, malformed.replyType(), malformed.reason());
    } else if (option instanceof ClientMessage.ExportName name) {
      return exportName(name, out);
    } else if (option instanceof ClientMessage.GoOrInfo goOrInfo) {
      return goOrInfo(goOrInfo, out);
    } else if (option instanceof ClientMessage.MetaContext context) {
      return metaContext(context, out);
    }
    return plain(option, out);
  }

  private Next clientFlags(int flags) throws NbdProtocolException {
    int known = NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES;
    if ((flags & ~known) != 0) {
      throw new NbdProtocolException("client flags: 0x" + Integer.toHexString(flags));
    }
    noZeroes = (flags & NbdProtocol.FLAG_NO_ZEROES) != 0;
    return Next.CONTINUE;
  }

  private static boolean isAllowedInPlainText(ClientMessage.Option option) {
    return option.option() == NbdProtocol.OPT_STARTTLS
        || option.option() == NbdProtocol.OPT_ABORT
        || option instanceof ClientMessage.Unknown;
  }

  private Next plain(ClientMessage.Option option, ByteBuf out) {
    return switch (option.option()) {
      case NbdProtocol.OPT_ABORT -> {
        OptionReplyEncoder.ack(out, option.option());
        yield Next.CLOSE;
      }
      case NbdProtocol.OPT_LIST -> list(option, out);
      case NbdProtocol.OPT_STARTTLS -> startTls(option, out);
      case NbdProtocol.OPT_STRUCTURED_REPLY -> structuredReply(option, out);
      case NbdProtocol.OPT_EXTENDED_HEADERS -> {
        if (style == HeaderStyle.EXTENDED) {
          yield refuse(out, option, NbdProtocol.REP_ERR_INVALID, "already agreed on");
        }
        style = HeaderStyle.EXTENDED;
        OptionReplyEncoder.ack(out, option.option());
        yield Next.CONTINUE;
      }
      default -> throw new IllegalStateException("option " + option);
    };
  }

  private Next structuredReply(ClientMessage.Option option, ByteBuf out) {
    if (style == HeaderStyle.EXTENDED) {
      return refuse(
          out, option, NbdProtocol.REP_ERR_EXT_HEADER_REQD, "extended headers are agreed on");
    }
    if (style == HeaderStyle.STRUCTURED) {
      return refuse(out, option, NbdProtocol.REP_ERR_INVALID, "already agreed on");
    }
    style = HeaderStyle.STRUCTURED;
    OptionReplyEncoder.ack(out, option.option());
    return Next.CONTINUE;
  }

  private Next startTls(ClientMessage.Option option, ByteBuf out) {
    if (options.tls().isEmpty()) {
      return refuse(out, option, NbdProtocol.REP_ERR_POLICY, "the server has no keys for TLS");
    }
    if (isSecured) {
      return refuse(out, option, NbdProtocol.REP_ERR_INVALID, "TLS has begun already");
    }
    // Whatever was said before may have been said by somebody in between.
    isSecured = true;
    style = HeaderStyle.SIMPLE;
    chosen = null;
    OptionReplyEncoder.ack(out, option.option());
    return Next.START_TLS;
  }

  private Next list(ClientMessage.Option option, ByteBuf out) {
    int begin = out.writerIndex();
    int[] count = new int[1];
    boolean[] tooMany = new boolean[1];
    try {
      options
          .provider()
          .list(
              (name, description) -> {
                OptionReplyEncoder.server(out, name, description);
                count[0]++;
                tooMany[0] =
                    count[0] > FixedLimits.LISTED_EXPORTS_MAX
                        || out.writerIndex() - begin > FixedLimits.LISTED_BYTES_MAX;
                return !tooMany[0];
              });
    } catch (IOException e) {
      out.writerIndex(begin);
      return failed(out, option, "list", e);
    }
    if (tooMany[0]) {
      out.writerIndex(begin);
      return refuse(
          out, option, NbdProtocol.REP_ERR_TOO_BIG, "there are too many exports to list them");
    }
    OptionReplyEncoder.ack(out, option.option());
    return Next.CONTINUE;
  }

  private Next exportName(ClientMessage.ExportName option, ByteBuf out)
      throws NbdProtocolException {
    try {
      Export export = options.provider().open(option.exportName());
      Next next = enter(export, option.exportName());
      OptionReplyEncoder.exportName(
          out, export.info().sizeBytes(), TransmissionFlags.of(export.info(), style), noZeroes);
      return next;
    } catch (IOException e) {
      throw new NbdProtocolException("EXPORT_NAME: " + e.getMessage(), e);
    }
  }

  private Next enter(Export export, String exportName) {
    List<String> contexts = List.of();
    if (chosen != null && chosen.exportName().equals(exportName)) {
      contexts = chosen.contexts();
    }
    entered = new Entered(export, style, contexts);
    return Next.TRANSMIT;
  }

  private Next goOrInfo(ClientMessage.GoOrInfo option, ByteBuf out) {
    boolean isGo = option.option() == NbdProtocol.OPT_GO;
    try {
      Optional<ExportInfo> found = options.provider().find(option.exportName());
      if (found.isEmpty()) {
        return unknownExport(out, option, option.exportName());
      }
      boolean knowsBlocks = option.wanted().contains(NbdProtocol.INFO_BLOCK_SIZE);
      if (isGo && !knowsBlocks && found.get().blockSizes().minimumBytes() > 1) {
        return refuse(
            out, option, NbdProtocol.REP_ERR_BLOCK_SIZE_REQD, "requests must be whole blocks");
      }
      if (!isGo) {
        information(option, found.get(), out);
        return Next.CONTINUE;
      }
      Export export = options.provider().open(option.exportName());
      Next next = enter(export, option.exportName());
      information(option, export.info(), out);
      return next;
    } catch (NoSuchExportException e) {
      return unknownExport(out, option, option.exportName());
    } catch (IOException e) {
      return failed(out, option, option.exportName(), e);
    }
  }

  private void information(ClientMessage.GoOrInfo option, ExportInfo info, ByteBuf out) {
    int number = option.option();
    OptionReplyEncoder.infoExport(out, number, info.sizeBytes(), TransmissionFlags.of(info, style));
    if (option.wanted().contains(NbdProtocol.INFO_NAME)) {
      OptionReplyEncoder.infoText(out, number, NbdProtocol.INFO_NAME, info.name());
    }
    if (option.wanted().contains(NbdProtocol.INFO_DESCRIPTION) && !info.description().isEmpty()) {
      OptionReplyEncoder.infoText(out, number, NbdProtocol.INFO_DESCRIPTION, info.description());
    }
    if (option.wanted().contains(NbdProtocol.INFO_BLOCK_SIZE)) {
      OptionReplyEncoder.infoBlockSize(
          out, number, RequestRules.blockSizes(info, options.limits()));
    }
    OptionReplyEncoder.ack(out, number);
  }

  private Next metaContext(ClientMessage.MetaContext option, ByteBuf out) {
    boolean isSetting = option.option() == NbdProtocol.OPT_SET_META_CONTEXT;
    if (isSetting) {
      chosen = null;
    }
    if (isSetting && style == HeaderStyle.SIMPLE) {
      return refuse(
          out, option, NbdProtocol.REP_ERR_INVALID, "structured replies are not agreed on");
    }
    Set<String> contexts = new LinkedHashSet<>();
    try {
      if (options.provider().find(option.exportName()).isEmpty()) {
        return unknownExport(out, option, option.exportName());
      }
      boolean isListingAll = !isSetting && option.queries().isEmpty();
      for (String query : isListingAll ? List.of("") : option.queries()) {
        contexts.addAll(options.provider().contexts(option.exportName(), query, !isSetting));
        if (contexts.size() > options.limits().contextsMax()) {
          return refuse(out, option, NbdProtocol.REP_ERR_TOO_BIG, "too many contexts");
        }
      }
    } catch (IOException e) {
      return failed(out, option, option.exportName(), e);
    }
    List<String> names = new ArrayList<>(contexts);
    for (int id = 0; id < names.size(); id++) {
      OptionReplyEncoder.metaContext(out, option.option(), isSetting ? id : 0, names.get(id));
    }
    if (isSetting) {
      chosen = new Chosen(option.exportName(), names);
    }
    OptionReplyEncoder.ack(out, option.option());
    return Next.CONTINUE;
  }

  private static Next unknownExport(ByteBuf out, ClientMessage.Option option, String name) {
    return refuse(
        out,
        option,
        NbdProtocol.REP_ERR_UNKNOWN,
        "there is no export '" + WireString.escape(name) + "'");
  }

  private static Next failed(ByteBuf out, ClientMessage.Option option, String what, IOException e) {
    LOG.warn(
        "event=option_failed option={} export=\"{}\"", option.option(), WireString.escape(what), e);
    return refuse(out, option, NbdProtocol.REP_ERR_PLATFORM, String.valueOf(e.getMessage()));
  }

  private static Next refuse(ByteBuf out, ClientMessage.Option option, int type, String message) {
    OptionReplyEncoder.error(out, option.option(), type, message);
    return Next.CONTINUE;
  }
}
