package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Questions that cannot be asked: their caller is told at once, the server nothing. */
@Timeout(60)
final class HandshakeQuestionTest {
  /** Long enough that nobody takes the deadline for an answer. */
  private static final NbdClientOptions PATIENT =
      OPTIONS.withHandshakeTimeout(Duration.ofSeconds(50));

  private static final String TOO_LONG = "x".repeat(4097);
  private static final String TOO_LONG_IN_UTF_8 = "\u00e9".repeat(2049);
  private static final String HALF_A_SURROGATE = "a\ud800b";

  @TempDir Path dir;

  /** One method of a handshake. */
  interface Question {
    void ask(NbdHandshake handshake) throws NbdException;
  }

  private static void listReply(ScriptedPeer peer) throws IOException {
    peer.optionReply(
        NbdProtocol.OPT_LIST,
        NbdProtocol.REP_SERVER,
        o -> {
          o.writeInt(4);
          o.write("disk".getBytes(StandardCharsets.UTF_8));
        });
    peer.ack(NbdProtocol.OPT_LIST);
  }

  static Stream<Arguments> impossible() {
    return Stream.of(
        question("INFO, long", h -> h.info(TOO_LONG)),
        question("INFO, long in UTF-8", h -> h.info(TOO_LONG_IN_UTF_8)),
        question("INFO, half a surrogate", h -> h.info(HALF_A_SURROGATE)),
        question("LIST, long name", h -> h.listMetaContexts(TOO_LONG, List.of())),
        question("LIST, long query", h -> h.listMetaContexts("", List.of(TOO_LONG))),
        question("LIST, half a surrogate", h -> h.listMetaContexts("", List.of(HALF_A_SURROGATE))),
        question("LIST, many", h -> h.listMetaContexts("", Collections.nCopies(65, "x:y"))),
        question("SET, long name", h -> h.setMetaContexts(TOO_LONG, List.of("x:y"))),
        question("SET, long query", h -> h.setMetaContexts("", List.of(TOO_LONG_IN_UTF_8))),
        question("SET, half a surrogate", h -> h.setMetaContexts("", List.of(HALF_A_SURROGATE))),
        question("SET, very many", h -> h.setMetaContexts("", Collections.nCopies(70_000, "x:"))));
  }

  private static Arguments question(String name, Question question) {
    return Arguments.of(name, question);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("impossible")
  void impossibleQuestionIsRefusedAndTheHandshakeGoesOn(String name, Question question)
      throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.greet();
                  peer.expectOption(NbdProtocol.OPT_LIST);
                  listReply(peer);
                  peer.awaitClosed();
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), PATIENT)) {
      assertThatThrownBy(() -> question.ask(handshake))
          .as(name)
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(handshake.list()).hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("impossibleNames")
  void exportThatCannotBeNamedIsRefusedAtOnce(String name) throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.greet();
                  peer.awaitClosed();
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), PATIENT)) {
      assertThatThrownBy(() -> handshake.go(name)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  static Stream<String> impossibleNames() {
    return Stream.of(TOO_LONG, TOO_LONG_IN_UTF_8, HALF_A_SURROGATE);
  }

  @ParameterizedTest
  @MethodSource("impossibleNames")
  void uriOfAnExportThatCannotBeNamedIsRefusedAtOnce(String name) throws Exception {
    try (ScriptedServer server =
        ScriptedServer.start(
            dir,
            peer -> {
              peer.greet();
              peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
              peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
              peer.awaitClosed();
            })) {
      NbdUri.Endpoint.Unix endpoint = (NbdUri.Endpoint.Unix) server.uri().endpoint();
      assertThatThrownBy(() -> NbdClient.open(NbdUri.unix(endpoint.socket(), name), PATIENT))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("impossibleNames")
  void optionsTakeNoContextThatCannotBeAskedFor(String name) {
    assertThatThrownBy(() -> OPTIONS.withMetaContexts(List.of("base:allocation", name)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void optionsTakeContextsUpToTheLimit() {
    assertThat(OPTIONS.withMetaContexts(List.of("x:" + "y".repeat(4094))).metaContexts())
        .hasSize(1);
    assertThatThrownBy(() -> OPTIONS.withMetaContexts(Collections.nCopies(65, "x:y")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void secondQuestionWhileOneIsOutFailsAndTheFirstIsAnswered() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch refused = new CountDownLatch(1);
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.greet();
                  peer.expectOption(NbdProtocol.OPT_LIST);
                  asked.countDown();
                  await(refused);
                  listReply(peer);
                  peer.awaitClosed();
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), PATIENT)) {
      CompletableFuture<List<NbdHandshake.ListedExport>> first =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return handshake.list();
                } catch (NbdException e) {
                  throw new CompletionException(e);
                }
              });
      await(asked);
      assertThatThrownBy(handshake::list)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("LIST");
      refused.countDown();
      assertThat(await(first)).hasSize(1);
    }
  }
}
