package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Servers that do not let TLS begin: nothing is sent to them in the clear. */
@Timeout(60)
final class StartTlsTest {
  private static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults().withHandshakeTimeout(Duration.ofSeconds(3));

  @TempDir Path dir;

  private AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
      ScriptedServer.Script afterStartTls) throws Exception {
    NbdUri uri;
    try (ScriptedServer server =
        ScriptedServer.start(
            dir,
            peer -> {
              peer.greet();
              peer.expectOption(NbdProtocol.OPT_STARTTLS);
              afterStartTls.serve(peer);
            })) {
      uri = server.uri();
      Path keys = TlsFiles.psk(dir, "alice", "00");
      return assertThatThrownBy(
              () ->
                  NbdClient.open(uri.withTls(new TlsSettings.Psk(keys, Optional.empty())), OPTIONS)
                      .close())
          .isInstanceOf(NbdException.class);
    }
  }

  @Test
  void endsWhenTheServerRefusesTls() throws Exception {
    for (int refusal : new int[] {NbdProtocol.REP_ERR_POLICY, NbdProtocol.REP_ERR_UNSUP}) {
      assertRefused(
              peer -> {
                peer.optionReply(NbdProtocol.OPT_STARTTLS, refusal, o -> {});
                if (peer.readOption().option() != NbdProtocol.OPT_ABORT) {
                  throw new AssertionError("the client went on without TLS");
                }
              })
          .isInstanceOf(NbdServerException.class)
          .hasMessageContaining("STARTTLS");
    }
  }

  @Test
  void refusesBytesBetweenTheAnswerAndTls() throws Exception {
    assertRefused(
            peer -> {
              // An answer to what the client might ask next, put before TLS by somebody between.
              peer.send(
                  o -> {
                    for (int i = 0; i < 2; i++) {
                      ScriptedPeer.writeOptionReply(
                          o, NbdProtocol.OPT_STARTTLS, NbdProtocol.REP_ACK, data -> {});
                    }
                  });
              peer.awaitClosed();
            })
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("nobody asked for");
  }

  @Test
  void givesUpOnAServerThatIsSilentAfterItsAnswer() throws Exception {
    assertRefused(
            peer -> {
              peer.ack(NbdProtocol.OPT_STARTTLS);
              peer.awaitClosed();
            })
        .hasMessageContaining("handshake not over after");
  }

  @Test
  void saysThatAServerGoesOnInTheClear() throws Exception {
    assertRefused(
            peer -> {
              peer.ack(NbdProtocol.OPT_STARTTLS);
              peer.skip(5);
              peer.optionReply(NbdProtocol.OPT_STRUCTURED_REPLY, NbdProtocol.REP_ACK, o -> {});
              peer.awaitClosed();
            })
        .isInstanceOf(NbdTlsException.class)
        .hasMessage("the server does not speak TLS although it agreed to");
  }
}
