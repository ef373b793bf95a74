package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.protocol.WireString;
import io.nbdvault.nbd.tls.TlsClient;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Option haggling, step by step (proto.md, "Fixed newstyle negotiation"). {@link NbdClient#open}
 * does the usual; this is for whoever wants to ask a server something else, or in another order.
 *
 * <p>Connected by {@link #connect}, it asks one option at a time until {@link #go} turns it into a
 * client, or {@link #abort} or {@link #close} ends it. Every method blocks until the server has
 * answered, at most until the handshake's deadline, which runs from connecting; none may be called
 * on one of the client's I/O threads. A server that breaks the protocol, is silent for too long or
 * goes away costs the connection, and every later call fails. One thread at a time.
 */
public final class NbdHandshake implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NbdHandshake.class);

  private final HandshakeChannel channel;
  private final String serverName;
  private final NbdClientOptions options;
  private final boolean fixedNewstyle;
  private final boolean noZeroes;
  private HeaderStyle headerStyle = HeaderStyle.SIMPLE;
  private final Map<Integer, String> contexts = new LinkedHashMap<>();
  private @Nullable String contextsExportName;
  private boolean over;

  /**
   * One export as LIST names it (proto.md, "NBD_REP_SERVER").
   *
   * @param name at most 4096 bytes of UTF-8
   * @param details a free text for people, possibly empty
   */
  public record ListedExport(String name, String details) {}

  /** A connection that has entered the transmission phase, which nobody listens to yet. */
  record Entered(Channel channel, ExportInfo export, Map<Integer, String> contextNames) {
    Entered {
      contextNames = Map.copyOf(contextNames);
    }
  }

  private NbdHandshake(HandshakeChannel channel, String serverName, NbdClientOptions options) {
    this.channel = channel;
    this.serverName = serverName;
    this.options = options;
    int agreed =
        channel.greeting().flags() & (NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
    this.fixedNewstyle = (agreed & NbdProtocol.FLAG_FIXED_NEWSTYLE) != 0;
    this.noZeroes = (agreed & NbdProtocol.FLAG_NO_ZEROES) != 0;
    channel.tell(out -> OptionEncoder.clientFlags(out, agreed));
  }

  /**
   * Connects and greets. The URI's export name is not used yet, nor its TLS settings.
   *
   * @throws NbdException if the server cannot be reached or is no NBD server
   * @throws IllegalStateException on one of the client's I/O threads
   */
  public static NbdHandshake connect(NbdUri uri, NbdClientOptions options) throws NbdException {
    return connect(uri, options, EventLoops.shared());
  }

  private static NbdHandshake connect(NbdUri uri, NbdClientOptions options, EventLoopGroup loops)
      throws NbdException {
    HandshakeChannel channel = HandshakeChannel.connect(uri, options, loops);
    String host = uri.endpoint() instanceof NbdUri.Endpoint.Tcp tcp ? tcp.host() : "";
    return new NbdHandshake(channel, host, options);
  }

  /**
   * Connects and agrees on what {@link NbdClient#open} would before it names an export: TLS if the
   * URI says so, then extended headers unless the options forbid them, or structured replies.
   *
   * @throws NbdException as {@link #connect} and {@link #startTls}
   * @throws IllegalStateException on one of the client's I/O threads
   */
  public static NbdHandshake connectAndAgree(NbdUri uri, NbdClientOptions options)
      throws NbdException {
    return connectAndAgree(uri, options, EventLoops.shared());
  }

  static NbdHandshake connectAndAgree(NbdUri uri, NbdClientOptions options, EventLoopGroup loops)
      throws NbdException {
    NbdHandshake handshake = connect(uri, options, loops);
    boolean agreed = false;
    try {
      if (uri.tls().isPresent()) {
        handshake.startTls(uri.tls().get());
      }
      if (handshake.fixedNewstyle && !(options.extendedHeaders() && handshake.extendedHeaders())) {
        var unused = handshake.structuredReplies();
      }
      agreed = true;
      return handshake;
    } finally {
      if (!agreed) {
        handshake.close();
      }
    }
  }

  /** Whether the server speaks fixed newstyle; without it only {@link #go} works. */
  public boolean fixedNewstyle() {
    return fixedNewstyle;
  }

  /** What was agreed on so far. */
  public HeaderStyle headerStyle() {
    return headerStyle;
  }

  /**
   * Asks for TLS and secures the connection (proto.md, "NBD_OPT_STARTTLS"); whatever was agreed on
   * before is void then, as the protocol wants it. Reads the settings' files.
   *
   * @throws NbdServerException if the server refuses; the connection goes on without TLS
   * @throws NbdTlsException if the server cannot be trusted or does not trust us; the connection is
   *     closed
   * @throws NbdConnectException if a file of the settings cannot be used
   */
  public void startTls(TlsSettings settings) throws NbdException {
    checkAsking("STARTTLS");
    TlsClient tls = TlsClient.load(settings);
    new HandshakeAnswer("STARTTLS", channel.startTls(tls, serverName)).require("");
    headerStyle = HeaderStyle.SIMPLE;
    contexts.clear();
    contextsExportName = null;
  }

  /**
   * Asks for structured replies (proto.md, "NBD_OPT_STRUCTURED_REPLY").
   *
   * @return whether the server agreed
   */
  public boolean structuredReplies() throws NbdException {
    return agree("STRUCTURED_REPLY", NbdProtocol.OPT_STRUCTURED_REPLY, HeaderStyle.STRUCTURED);
  }

  /**
   * Asks for extended headers (proto.md, "NBD_OPT_EXTENDED_HEADERS"), which bring structured
   * replies with them.
   *
   * @return whether the server agreed
   */
  public boolean extendedHeaders() throws NbdException {
    return agree("EXTENDED_HEADERS", NbdProtocol.OPT_EXTENDED_HEADERS, HeaderStyle.EXTENDED);
  }

  private boolean agree(String name, int option, HeaderStyle wanted) throws NbdException {
    HandshakeAnswer answer = ask(name, option);
    if (!answer.refused()) {
      headerStyle = wanted;
      return true;
    }
    if (answer.refusedWith(NbdProtocol.REP_ERR_SHUTDOWN)
        || answer.refusedWith(NbdProtocol.REP_ERR_TLS_REQD)) {
      throw answer.refusal("");
    }
    return false;
  }

  /**
   * Lists the server's exports (proto.md, "NBD_OPT_LIST"), at most 16384 of them.
   *
   * @throws NbdServerException ENOTSUP or EPERM if the server does not tell
   */
  public List<ListedExport> list() throws NbdException {
    HandshakeAnswer answer = ask("LIST", NbdProtocol.OPT_LIST);
    answer.require("");
    return answer.all(HandshakeMessage.Server.class).stream()
        .map(server -> new ListedExport(server.exportName(), server.details()))
        .toList();
  }

  /**
   * Lists an export's metadata contexts (proto.md, "NBD_OPT_LIST_META_CONTEXT"); with {@code
   * queries}, those that match. Structured replies or extended headers come first.
   *
   * @param queries names such as {@code base:allocation}, or a namespace such as {@code qemu:}; at
   *     most 64
   * @throws NbdServerException ENOTSUP if the server has no block status
   */
  public List<String> listMetaContexts(String exportName, List<String> queries)
      throws NbdException {
    int option = NbdProtocol.OPT_LIST_META_CONTEXT;
    return metaContexts("LIST_META_CONTEXT", option, exportName, queries).stream()
        .map(HandshakeMessage.MetaContext::name)
        .toList();
  }

  /**
   * Asks for metadata contexts (proto.md, "NBD_OPT_SET_META_CONTEXT"); replaces what was set
   * before. {@link #go} must be for the same export, or there are none.
   *
   * @return those that the server has
   * @throws NbdServerException ENOTSUP if the server has no block status
   */
  public List<String> setMetaContexts(String exportName, List<String> queries) throws NbdException {
    contexts.clear();
    contextsExportName = null;
    int option = NbdProtocol.OPT_SET_META_CONTEXT;
    for (HandshakeMessage.MetaContext context :
        metaContexts("SET_META_CONTEXT", option, exportName, queries)) {
      if (queries.stream().noneMatch(query -> answers(context.name(), query))) {
        throw channel.broken(
            "SET_META_CONTEXT: " + WireString.escape(context.name()) + " was not asked for");
      }
      if (contexts.containsValue(context.name())
          || contexts.put(context.id(), context.name()) != null) {
        throw channel.broken(
            "SET_META_CONTEXT: " + WireString.escape(context.name()) + " or its id came twice");
      }
    }
    contextsExportName = exportName;
    return List.copyOf(contexts.values());
  }

  /** A query is a name, or the beginning of names up to a colon. */
  private static boolean answers(String name, String query) {
    return name.equals(query) || (query.endsWith(":") && name.startsWith(query));
  }

  private List<HandshakeMessage.MetaContext> metaContexts(
      String name, int option, String exportName, List<String> queries) throws NbdException {
    HandshakeAnswer answer =
        ask(
            name,
            HandshakeHandler.Question.option(
                option, out -> OptionEncoder.metaContext(out, option, exportName, queries)));
    answer.require(exportName);
    return answer.all(HandshakeMessage.MetaContext.class);
  }

  /**
   * Asks what an export is without entering it (proto.md, "NBD_OPT_INFO").
   *
   * @throws NbdServerException ENOTSUP if the server does not know the question
   */
  public ExportInfo info(String exportName) throws NbdException {
    HandshakeAnswer answer = askExport("INFO", NbdProtocol.OPT_INFO, exportName);
    return export(answer, exportName, List.of());
  }

  /**
   * Enters an export (proto.md, "NBD_OPT_GO"), over this one connection; with servers that do not
   * know GO by EXPORT_NAME. Ends the handshake, whatever comes of it.
   *
   * @throws NbdServerException if the server refuses
   */
  public NbdClient go(String exportName) throws NbdException {
    return NbdClient.of(List.of(enter(exportName)), options, null);
  }

  /** As {@link #go}, for a connection that is to be one of several. */
  Entered enter(String exportName) throws NbdException {
    boolean entered = false;
    try {
      if (!exportName.equals(contextsExportName)) {
        contexts.clear();
      }
      ExportInfo export = goOrExportName(exportName);
      channel.finish();
      over = true;
      entered = true;
      return new Entered(channel.channel(), export, contexts);
    } finally {
      if (!entered) {
        close();
      }
    }
  }

  private ExportInfo goOrExportName(String exportName) throws NbdException {
    if (!fixedNewstyle) {
      return exportName(exportName);
    }
    HandshakeAnswer answer = askExport("GO", NbdProtocol.OPT_GO, exportName);
    // With extended headers EXPORT_NAME is forbidden, and GO compulsory.
    if (answer.refusedWith(NbdProtocol.REP_ERR_UNSUP) && headerStyle != HeaderStyle.EXTENDED) {
      return exportName(exportName);
    }
    return export(answer, exportName, List.copyOf(contexts.values()));
  }

  private HandshakeAnswer askExport(String name, int option, String exportName)
      throws NbdException {
    return ask(
        name,
        // Whoever asks for block sizes promises to obey them.
        HandshakeHandler.Question.option(
            option,
            out ->
                OptionEncoder.goOrInfo(
                    out,
                    option,
                    exportName,
                    NbdProtocol.INFO_DESCRIPTION,
                    NbdProtocol.INFO_BLOCK_SIZE)));
  }

  private ExportInfo export(HandshakeAnswer answer, String exportName, List<String> contextNames)
      throws NbdException {
    answer.require(exportName);
    List<HandshakeMessage.ExportInformation> exports =
        answer.all(HandshakeMessage.ExportInformation.class);
    if (exports.isEmpty()) {
      throw channel.broken(answer.name() + ": acknowledged without INFO_EXPORT");
    }
    return ExportInfo.ofWire(
        exports.get(0).sizeBytes(),
        exports.get(0).flags(),
        answer
            .last(HandshakeMessage.BlockSizeInformation.class)
            .map(HandshakeMessage.BlockSizeInformation::sizes)
            .orElse(BlockSizes.DEFAULT),
        headerStyle,
        contextNames,
        answer.last(HandshakeMessage.Description.class).map(HandshakeMessage.Description::text));
  }

  private ExportInfo exportName(String exportName) throws NbdException {
    contexts.clear();
    List<HandshakeMessage> answer =
        channel.ask(
            "EXPORT_NAME",
            new HandshakeHandler.Question(
                out -> OptionEncoder.exportName(out, exportName),
                decoder -> decoder.expectExportNameReply(noZeroes)));
    HandshakeMessage.ExportNameReply reply = (HandshakeMessage.ExportNameReply) answer.get(0);
    return ExportInfo.ofWire(
        reply.sizeBytes(),
        reply.flags(),
        BlockSizes.DEFAULT,
        headerStyle,
        List.of(),
        Optional.empty());
  }

  /**
   * Ends the session as the protocol wants it (proto.md, "NBD_OPT_ABORT"): says ABORT and waits for
   * the server's word. A server that closes without a word is as good.
   */
  public void abort() throws NbdException {
    if (over) {
      return;
    }
    try {
      if (fixedNewstyle) {
        ask("ABORT", NbdProtocol.OPT_ABORT).require("");
      }
    } catch (NbdDisconnectedException e) {
      LOG.debug("event=closed_without_ack reason=\"{}\"", e.getMessage());
    } finally {
      close();
    }
  }

  /** Closes the connection unless {@link #go} has made a client of it. */
  @Override
  public void close() {
    if (!over) {
      over = true;
      channel.close();
    }
  }

  private HandshakeAnswer ask(String name, int option) throws NbdException {
    return ask(
        name, HandshakeHandler.Question.option(option, out -> OptionEncoder.plain(out, option)));
  }

  private HandshakeAnswer ask(String name, HandshakeHandler.Question question) throws NbdException {
    checkAsking(name);
    return new HandshakeAnswer(name, channel.ask(name, question));
  }

  private void checkAsking(String name) throws NbdServerException {
    if (over) {
      throw new IllegalStateException(name + ": the handshake is over");
    }
    if (!fixedNewstyle) {
      throw new NbdServerException(
          NbdErrno.ENOTSUP,
          name + ": the server speaks no fixed newstyle NBD and can only be opened");
    }
  }
}
