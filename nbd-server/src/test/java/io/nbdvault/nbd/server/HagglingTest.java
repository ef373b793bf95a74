package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.server.protocol.ClientMessage;
import io.nbdvault.nbd.server.testkit.MemoryDisk;
import io.nbdvault.nbd.server.testkit.MemoryExports;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import io.nbdvault.nbd.tls.TlsServer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Option haggling without a socket. */
final class HagglingTest {
  private static final ClientMessage STARTTLS = plain(NbdProtocol.OPT_STARTTLS);
  private static final ClientMessage STRUCTURED = plain(NbdProtocol.OPT_STRUCTURED_REPLY);
  private static final ClientMessage EXTENDED = plain(NbdProtocol.OPT_EXTENDED_HEADERS);
  private static final ClientMessage LIST = plain(NbdProtocol.OPT_LIST);

  @TempDir Path dir;

  private final MemoryExports exports = new MemoryExports().add("a", new MemoryDisk(4096), true);
  private final ServerOptions options = ServerOptions.of(exports);
  private Haggling haggling = new Haggling(options);
  private Haggling.Next next = Haggling.Next.CONTINUE;

  private static ClientMessage plain(int option) {
    return new ClientMessage.Plain(option);
  }

  private static ClientMessage go(String name) {
    return new ClientMessage.GoOrInfo(NbdProtocol.OPT_GO, name, Set.of());
  }

  private static ClientMessage set(String name, String... queries) {
    return new ClientMessage.MetaContext(NbdProtocol.OPT_SET_META_CONTEXT, name, List.of(queries));
  }

  private void withTls(boolean isRequired) throws Exception {
    TlsFiles ca = new TlsFiles("authority", KeyType.EC);
    Path files = ca.server(dir.resolve("keys"), ca.issue("server", "localhost"));
    haggling = new Haggling(options.withTls(TlsServer.load(files, false), isRequired));
  }

  /** The type of the last reply. */
  private int answer(ClientMessage message) throws NbdProtocolException {
    ByteBuf out = Unpooled.buffer();
    next = haggling.answer(message, out);
    int type = 0;
    while (out.isReadable()) {
      assertThat(out.readLong()).isEqualTo(NbdProtocol.OPTION_REPLY_MAGIC);
      assertThat(out.readInt()).isEqualTo(((ClientMessage.Option) message).option());
      type = out.readInt();
      out.skipBytes(out.readInt());
    }
    return type;
  }

  @Test
  void refusesAllButTlsWhereItIsRequired() throws Exception {
    withTls(true);
    for (ClientMessage message : List.of(LIST, STRUCTURED, go("a"), set("a", ""))) {
      assertThat(answer(message)).isEqualTo(NbdProtocol.REP_ERR_TLS_REQD);
    }
    assertThat(answer(new ClientMessage.Unknown(77))).isEqualTo(NbdProtocol.REP_ERR_UNSUP);
    assertThatThrownBy(() -> answer(new ClientMessage.ExportName("a")))
        .isInstanceOf(NbdProtocolException.class);
    assertThat(answer(STARTTLS)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(next).isEqualTo(Haggling.Next.START_TLS);
    assertThat(answer(LIST)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(exports.opened()).isZero();
  }

  @Test
  void refusesSecondStartTls() throws Exception {
    withTls(false);
    assertThat(answer(STARTTLS)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(STARTTLS)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
    assertThat(next).isEqualTo(Haggling.Next.CONTINUE);
  }

  @Test
  void startTlsMakesVoidWhatWasAgreedOn() throws Exception {
    withTls(false);
    assertThat(answer(STRUCTURED)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(set("a", MemoryExports.ALLOCATION))).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(STARTTLS)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(go("a"))).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(haggling.entered().style()).isEqualTo(HeaderStyle.SIMPLE);
    assertThat(haggling.entered().contexts()).isEmpty();
  }

  @Test
  void contextsNeedStructuredRepliesAndTheSameExport() throws Exception {
    exports.add("b", new MemoryDisk(4096), true);
    assertThat(answer(set("a", MemoryExports.ALLOCATION))).isEqualTo(NbdProtocol.REP_ERR_INVALID);
    assertThat(answer(STRUCTURED)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(set("nothing", MemoryExports.ALLOCATION)))
        .isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
    assertThat(answer(set("a", MemoryExports.DIRTY, "x:y", MemoryExports.ALLOCATION)))
        .isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(go("nothing"))).isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
    assertThat(answer(go("a"))).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(haggling.entered().contexts())
        .containsExactly(MemoryExports.DIRTY, MemoryExports.ALLOCATION);
    haggling = new Haggling(options);
    assertThat(answer(EXTENDED)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(set("a", MemoryExports.ALLOCATION))).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(go("b"))).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(haggling.entered().contexts()).isEmpty();
  }

  @Test
  void extendedHeadersExcludeStructuredReplies() throws Exception {
    assertThat(answer(STRUCTURED)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(STRUCTURED)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
    assertThat(answer(EXTENDED)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(EXTENDED)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
    assertThat(answer(STRUCTURED)).isEqualTo(NbdProtocol.REP_ERR_EXT_HEADER_REQD);
  }

  @Test
  void tooManyContextsAreRefused() throws Exception {
    ServerLimits one = new ServerLimits(9, 9, 99, 1, 16, 1 << 20, 1 << 20, 9, 1);
    haggling = new Haggling(options.withLimits(one));
    assertThat(answer(STRUCTURED)).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(answer(set("a", MemoryExports.DIRTY, MemoryExports.ALLOCATION)))
        .isEqualTo(NbdProtocol.REP_ERR_TOO_BIG);
    assertThat(answer(set("a", MemoryExports.DIRTY))).isEqualTo(NbdProtocol.REP_ACK);
  }

  @Test
  void abortIsAcknowledged() throws Exception {
    assertThat(answer(plain(NbdProtocol.OPT_ABORT))).isEqualTo(NbdProtocol.REP_ACK);
    assertThat(next).isEqualTo(Haggling.Next.CLOSE);
  }

  @Test
  void exportNameIsFollowedByZeroesUnlessAgreedOtherwise() throws Exception {
    for (int flags : new int[] {1, 3}) {
      haggling = new Haggling(options);
      ByteBuf out = Unpooled.buffer();
      assertThat(haggling.answer(new ClientMessage.Flags(flags), out))
          .isEqualTo(Haggling.Next.CONTINUE);
      assertThat(haggling.answer(new ClientMessage.ExportName("a"), out))
          .isEqualTo(Haggling.Next.TRANSMIT);
      assertThat(out.readableBytes()).isEqualTo(flags == 1 ? 134 : 10);
      assertThat(out.readLong()).isEqualTo(4096);
    }
  }
}
