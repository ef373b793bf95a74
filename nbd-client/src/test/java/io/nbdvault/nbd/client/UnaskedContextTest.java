package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Servers that give more metadata contexts, or more extents, than anybody wants. */
@Timeout(120)
final class UnaskedContextTest {
  private static final long EXPORT_BYTES = 1L << 30;

  @TempDir Path dir;

  /** As far as the client lets it: these contexts, whatever it asked for. */
  private static void handshake(ScriptedPeer peer, List<String> contexts) throws IOException {
    peer.greet();
    peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
    for (int i = 0; i < contexts.size(); i++) {
      peer.context(i + 1, contexts.get(i));
    }
    peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
    peer.expectOption(NbdProtocol.OPT_GO);
    peer.exportInfo(EXPORT_BYTES, FLAGS);
    peer.ack(NbdProtocol.OPT_GO);
  }

  private ScriptedServer serve(List<String> contexts) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          handshake(peer, contexts);
          peer.awaitClosed();
        });
  }

  @ParameterizedTest
  @CsvSource({
    "base:allocation, evil:1",
    "base:allocation, base:allocation2",
    "base:allocation, base:",
    "base:allocation, allocation",
    "qemu:dirty-bitmap:b0, qemu:dirty-bitmap:b1",
    "x:, xx:y",
    "x:, y:x:"
  })
  void contextNobodyAskedForIsFatal(String asked, String given) throws Exception {
    try (ScriptedServer server = serve(List.of(given))) {
      NbdClientOptions options = OPTIONS.withMetaContexts(List.of(asked));
      assertThatThrownBy(() -> NbdClient.open(server.uri(), options).close())
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("was not asked for")
          .hasMessageContaining(given);
    }
  }

  @Test
  void contextNobodyAskedForIsFatalBesideOneThatWas() throws Exception {
    try (ScriptedServer server = serve(List.of("base:allocation", "evil:1"))) {
      assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS).close())
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("was not asked for");
    }
  }

  @Test
  void contextNobodyAskedForEndsAHandshakeInTheCallersOwnOrder() throws Exception {
    try (ScriptedServer server = serve(List.of("evil:1"));
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThat(handshake.structuredReplies()).isTrue();
      assertThatThrownBy(() -> handshake.setMetaContexts("disk", List.of("base:allocation")))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("was not asked for");
    }
  }

  @Test
  void wholeNamespaceMayBeAskedFor() throws Exception {
    List<String> given = List.of("x:y", "x:z", "base:allocation");
    try (ScriptedServer server = serve(given);
        NbdClient client =
            NbdClient.open(
                server.uri(), OPTIONS.withMetaContexts(List.of("x:", "base:allocation")))) {
      assertThat(client.export().metaContexts()).containsExactlyElementsOf(given);
    }
  }

  @Test
  void moreExtentsOverAllContextsThanTheLimitAreFatal() throws Exception {
    List<String> contexts = List.of("x:1", "x:2", "x:3");
    int extents = NbdProtocol.EXTENTS_PER_CHUNK_MAX;
    byte[] pairs =
        ScriptedPeer.bytes(
            o -> {
              for (int i = 0; i < extents; i++) {
                o.writeInt(1);
                o.writeInt(i & 1);
              }
            });
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  handshake(peer, contexts);
                  long cookie = peer.readRequest().cookie();
                  for (int id = 1; id <= contexts.size(); id++) {
                    int contextId = id;
                    peer.chunk(
                        cookie,
                        id == contexts.size(),
                        NbdProtocol.REPLY_TYPE_BLOCK_STATUS,
                        o -> {
                          o.writeInt(contextId);
                          o.write(pairs);
                        });
                  }
                  peer.awaitClosed();
                });
        NbdClient client =
            NbdClient.open(
                server.uri(),
                OPTIONS
                    .withMetaContexts(contexts)
                    .withConnections(1)
                    .withRequestTimeout(Duration.ofMinutes(1))
                    .withProgressTimeout(Duration.ofMinutes(1)))) {
      assertFails(client.blockStatus(0, EXPORT_BYTES)).isInstanceOf(NbdProtocolException.class);
      assertThatThrownBy(() -> await(client.flush())).isInstanceOf(NbdProtocolException.class);
    }
  }
}
