package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Option haggling with good, old and bad servers. */
@Timeout(60)
final class HandshakeTest {
  @TempDir Path dir;

  private AbstractThrowableAssert<?, ? extends Throwable> openFails(ScriptedServer.Script script)
      throws IOException {
    try (ScriptedServer server = ScriptedServer.start(dir, script)) {
      return assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS));
    }
  }

  /** As far as GO, without structured replies. */
  private static void greetUntilGo(ScriptedPeer peer) throws IOException {
    peer.greet();
    peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.optionReply(NbdProtocol.OPT_STRUCTURED_REPLY, NbdProtocol.REP_ERR_UNSUP, o -> {});
    peer.expectOption(NbdProtocol.OPT_GO);
  }

  @Test
  void saysWhenThereIsNoSuchSocket() {
    NbdUri uri = NbdUri.unix(dir.resolve("none.sock"), "");
    assertThatThrownBy(() -> NbdClient.open(uri, OPTIONS))
        .isInstanceOf(NbdConnectException.class)
        .hasMessageContaining("none.sock");
  }

  @Test
  void saysWhenTcpIsRefused() {
    assertThatThrownBy(() -> NbdClient.open(NbdUri.tcp("127.0.0.1", 1, ""), OPTIONS))
        .isInstanceOf(NbdConnectException.class)
        .hasMessageContaining("127.0.0.1:1");
  }

  @Test
  void fallsBackToExportNameWithAndWithoutZeroes() throws Exception {
    for (int handshakeFlags : new int[] {0, 1, 3}) {
      boolean zeroes = (handshakeFlags & 2) == 0;
      try (ScriptedServer server =
              ScriptedServer.start(
                  dir,
                  peer -> {
                    assertThat(peer.greet(handshakeFlags)).isEqualTo(handshakeFlags);
                    if ((handshakeFlags & 1) != 0) {
                      refuse(peer, NbdProtocol.OPT_STRUCTURED_REPLY);
                      refuse(peer, NbdProtocol.OPT_GO);
                    }
                    peer.expectOption(NbdProtocol.OPT_EXPORT_NAME);
                    peer.send(
                        o -> {
                          o.writeLong(SIZE_BYTES);
                          o.writeShort(FLAGS);
                          o.write(new byte[zeroes ? 124 : 0]);
                        });
                    ScriptedPeer.Request read = peer.readRequest();
                    peer.simple(read.cookie(), 0, new byte[] {1, 2, 3});
                    peer.awaitClosed();
                  });
          NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
        assertThat(client.export().sizeBytes()).isEqualTo(SIZE_BYTES);
        assertThat(client.export().canDf()).isFalse();
        ByteBuffer destination = ByteBuffer.allocate(3);
        await(client.read(0, destination, ReadFlag.DF));
        assertThat(destination.array()).containsExactly(1, 2, 3);
      }
    }
  }

  private static void refuse(ScriptedPeer peer, int option) throws IOException {
    peer.expectOption(option);
    peer.optionReply(option, NbdProtocol.REP_ERR_UNSUP, o -> {});
  }

  @Test
  void refusedMetaContextsLeaveTheExportUsable() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.greet();
                  peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
                  peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
                  refuse(peer, NbdProtocol.OPT_SET_META_CONTEXT);
                  peer.expectOption(NbdProtocol.OPT_GO);
                  peer.exportInfo(SIZE_BYTES, FLAGS);
                  peer.ack(NbdProtocol.OPT_GO);
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().structuredReplies()).isTrue();
      assertThat(client.export().metaContexts()).isEmpty();
    }
  }

  @Test
  void namesTheExportThatIsUnknown() throws Exception {
    openFails(
            peer -> {
              greetUntilGo(peer);
              peer.optionReply(
                  NbdProtocol.OPT_GO, NbdProtocol.REP_ERR_UNKNOWN, o -> o.writeBytes("sorry"));
              peer.awaitClosed();
            })
        .isInstanceOf(NbdServerException.class)
        .hasMessage("EINVAL: GO of 'disk': the server has no such export (sorry)");
  }

  @Test
  void saysThatTlsIsRequired() throws Exception {
    openFails(
            peer -> {
              greetUntilGo(peer);
              peer.optionReply(NbdProtocol.OPT_GO, NbdProtocol.REP_ERR_TLS_REQD, o -> {});
              peer.awaitClosed();
            })
        .isInstanceOfSatisfying(
            NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EPERM))
        .hasMessageContaining("requires TLS");
  }

  @Test
  void saysInWhichStateTheServerHungUp() throws Exception {
    openFails(HandshakeTest::greetUntilGo)
        .isInstanceOf(NbdDisconnectedException.class)
        .hasMessageContaining("in state GO");
  }

  @Test
  void refusesConnectionsThatSeeDifferentExports() throws Exception {
    AtomicInteger connections = new AtomicInteger();
    openWith(
            OPTIONS.withAssumeMultiConn(true),
            peer -> {
              peer.handshake(
                  SIZE_BYTES + connections.getAndIncrement(), FLAGS, List.of("base:allocation"));
              peer.awaitClosed();
            })
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("different exports");
  }

  private AbstractThrowableAssert<?, ? extends Throwable> openWith(
      NbdClientOptions options, ScriptedServer.Script script) throws IOException {
    try (ScriptedServer server = ScriptedServer.start(dir, script)) {
      return assertThatThrownBy(() -> NbdClient.open(server.uri(), options));
    }
  }
}
