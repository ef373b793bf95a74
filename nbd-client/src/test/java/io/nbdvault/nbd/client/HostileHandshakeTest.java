package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedPeer.Fields;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What no sane server says before the transmission phase. */
@Timeout(60)
final class HostileHandshakeTest {
  @TempDir Path dir;

  /** What a client asks after the greeting. */
  private interface Question {
    Object ask(NbdHandshake handshake) throws NbdException;
  }

  private AbstractThrowableAssert<?, ? extends Throwable> fails(
      Question question, ScriptedServer.Script answer) throws IOException {
    try (ScriptedServer server =
        ScriptedServer.start(
            dir,
            peer -> {
              peer.greet();
              answer.serve(peer);
              peer.awaitClosed();
            })) {
      return assertThatThrownBy(
          () -> {
            try (NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
              question.ask(handshake);
            }
          });
    }
  }

  /** Fatal is what costs the connection: the next question must fail too. */
  private void isFatal(String reason, Question question, ScriptedServer.Script answer)
      throws IOException {
    fails(
            handshake -> {
              assertThatThrownBy(() -> question.ask(handshake))
                  .isInstanceOf(NbdProtocolException.class)
                  .hasMessageContaining(reason);
              return handshake.list();
            },
            answer)
        .isInstanceOf(NbdException.class)
        .isNotInstanceOf(NbdServerException.class);
  }

  private static ScriptedServer.Script reply(int option, int type, Fields data) {
    return peer -> {
      peer.expectOption(option);
      peer.optionReply(option, type, data);
    };
  }

  private static Fields text(String text) {
    return o -> o.write(text.getBytes(StandardCharsets.UTF_8));
  }

  private void informationIsFatal(String reason, int informationType, Fields data)
      throws IOException {
    Fields information =
        o -> {
          o.writeShort(informationType);
          data.write(o);
        };
    isFatal(
        reason,
        handshake -> handshake.info("disk"),
        reply(NbdProtocol.OPT_INFO, NbdProtocol.REP_INFO, information));
    fails(
            handshake -> handshake.go("disk"),
            reply(NbdProtocol.OPT_GO, NbdProtocol.REP_INFO, information))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void wrongMagicOfTheGreetingIsFatal() throws Exception {
    for (long[] magics : new long[][] {{1, NbdProtocol.IHAVEOPT}, {NbdProtocol.NBDMAGIC, 1}}) {
      try (ScriptedServer server =
          ScriptedServer.start(
              dir,
              peer -> {
                peer.send(
                    o -> {
                      o.writeLong(magics[0]);
                      o.writeLong(magics[1]);
                    });
                peer.awaitClosed();
              })) {
        assertThatThrownBy(() -> NbdHandshake.connect(server.uri(), OPTIONS))
            .isInstanceOf(NbdProtocolException.class)
            .hasMessageContaining("0x1");
      }
    }
  }

  @Test
  void wrongMagicOfAnOptionReplyIsFatal() throws Exception {
    isFatal(
        "magic 0x0",
        NbdHandshake::list,
        peer -> {
          peer.expectOption(NbdProtocol.OPT_LIST);
          peer.send(o -> o.write(new byte[20]));
        });
  }

  @Test
  void wrongEchoedOptionIsFatal() throws Exception {
    isFatal(
        "for option 8 (expected: 3)",
        NbdHandshake::list,
        peer -> {
          peer.expectOption(NbdProtocol.OPT_LIST);
          peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
        });
  }

  @Test
  void replyTypeThatDoesNotBelongToTheOptionIsFatal() throws Exception {
    int list = NbdProtocol.OPT_LIST;
    for (int type : new int[] {NbdProtocol.REP_INFO, NbdProtocol.REP_META_CONTEXT, 99, 0}) {
      isFatal("unexpected reply type " + type, NbdHandshake::list, reply(list, type, text("x")));
    }
    isFatal("ACK", NbdHandshake::list, reply(list, NbdProtocol.REP_ACK, text("x")));
  }

  @Test
  void bytesNobodyAskedForAreFatal() throws Exception {
    fails(
            handshake -> handshake.go("disk"),
            peer -> {
              peer.expectOption(NbdProtocol.OPT_GO);
              peer.exportInfo(SIZE_BYTES, FLAGS);
              peer.send(
                  o -> {
                    ScriptedPeer.writeOptionReply(
                        o, NbdProtocol.OPT_GO, NbdProtocol.REP_ACK, data -> {});
                    o.write(1);
                  });
            })
        .isInstanceOf(NbdProtocolException.class)
        .hasMessage("1 bytes after GO that nobody asked for");
  }

  @Test
  void optionReplyLongerThanTheCapIsFatalBeforeItComes() throws Exception {
    for (int length : new int[] {NbdProtocol.OPTION_REPLY_BYTES_MAX + 1, -1}) {
      isFatal(
          "length: " + Integer.toUnsignedString(length),
          NbdHandshake::list,
          peer -> {
            peer.expectOption(NbdProtocol.OPT_LIST);
            peer.send(
                o -> {
                  o.writeLong(NbdProtocol.OPTION_REPLY_MAGIC);
                  o.writeInt(NbdProtocol.OPT_LIST);
                  o.writeInt(NbdProtocol.REP_SERVER);
                  o.writeInt(length);
                });
          });
    }
  }

  @Test
  void endlessListRepliesAreCapped() throws Exception {
    endless("LIST: more than 16384 replies", NbdHandshake::list, peer -> server(peer, ""));
  }

  @Test
  void endlessBytesOfListRepliesAreCapped() throws Exception {
    String details = "x".repeat(NbdProtocol.STRING_BYTES_MAX);
    endless(
        "handshake: more than 8388608 bytes", NbdHandshake::list, peer -> server(peer, details));
  }

  private static void server(ScriptedPeer peer, String details) throws IOException {
    peer.optionReply(
        NbdProtocol.OPT_LIST,
        NbdProtocol.REP_SERVER,
        o -> {
          o.writeInt(1);
          o.writeBytes("x" + details);
        });
  }

  @Test
  void endlessInfoRepliesAreCapped() throws Exception {
    endless(
        "INFO: more than 16384 replies",
        handshake -> handshake.info("disk"),
        peer ->
            peer.optionReply(NbdProtocol.OPT_INFO, NbdProtocol.REP_INFO, o -> o.writeShort(99)));
  }

  @Test
  void endlessMetaContextRepliesAreCapped() throws Exception {
    endless(
        "SET_META_CONTEXT: more than 16384 replies",
        handshake -> handshake.setMetaContexts("disk", List.of("base:allocation")),
        peer -> peer.context(1, "base:allocation"));
  }

  private void endless(String reason, Question question, ScriptedServer.Script reply)
      throws IOException {
    isFatal(
        reason,
        question,
        peer -> {
          peer.readOption();
          while (true) {
            reply.serve(peer);
          }
        });
  }

  @Test
  void noAnswerRunsIntoTheHandshakesDeadline() throws Exception {
    deadline("in state GREETING", ScriptedPeer::awaitClosed);
    deadline(
        "in state EXTENDED_HEADERS",
        peer -> {
          peer.greet();
          peer.awaitClosed();
        });
  }

  @Test
  void answerThatTricklesRunsIntoTheHandshakesDeadline() throws Exception {
    deadline(
        "in state EXTENDED_HEADERS",
        peer -> {
          peer.greet();
          peer.expectOption(NbdProtocol.OPT_EXTENDED_HEADERS);
          peer.send(o -> o.writeLong(NbdProtocol.OPTION_REPLY_MAGIC));
          for (byte b : new byte[] {0, 0, 0, NbdProtocol.OPT_EXTENDED_HEADERS, 0, 0}) {
            sleep(50);
            peer.send(o -> o.write(b));
          }
          peer.awaitClosed();
        });
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private void deadline(String state, ScriptedServer.Script script) throws IOException {
    NbdClientOptions hasty =
        NbdClientOptions.defaults().withHandshakeTimeout(Duration.ofMillis(200));
    try (ScriptedServer server = ScriptedServer.start(dir, script)) {
      assertThatThrownBy(() -> NbdClient.open(server.uri(), hasty))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("handshake not over after PT0.2S, " + state);
    }
  }

  @Test
  void goAcknowledgedWithoutInfoExportIsFatal() throws Exception {
    fails(handshake -> handshake.go("disk"), reply(7, NbdProtocol.REP_ACK, o -> {}))
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("GO: acknowledged without INFO_EXPORT");
    isFatal(
        "INFO: acknowledged without INFO_EXPORT",
        handshake -> handshake.info("disk"),
        reply(NbdProtocol.OPT_INFO, NbdProtocol.REP_ACK, o -> {}));
  }

  @Test
  void exportLargerThan63BitsIsFatal() throws Exception {
    informationIsFatal(
        "expected: < 2^63", NbdProtocol.INFO_EXPORT, o -> export(o, Long.MIN_VALUE, FLAGS));
    informationIsFatal("expected: < 2^63", NbdProtocol.INFO_EXPORT, o -> export(o, -1, FLAGS));
  }

  @Test
  void transmissionFlagsOfZeroAreFatal() throws Exception {
    informationIsFatal(
        "expected: HAS_FLAGS set", NbdProtocol.INFO_EXPORT, o -> export(o, SIZE_BYTES, 0));
  }

  private static void export(DataOutputStream o, long size, int flags) throws IOException {
    o.writeLong(size);
    o.writeShort(flags);
  }

  @Test
  void exportNameAnsweredWithNonsenseIsFatal() throws Exception {
    for (long[] answer : new long[][] {{-1, FLAGS}, {SIZE_BYTES, 0}}) {
      fails(
              handshake -> handshake.go("disk"),
              peer -> {
                peer.expectOption(NbdProtocol.OPT_GO);
                peer.refuse(NbdProtocol.OPT_GO);
                peer.expectOption(NbdProtocol.OPT_EXPORT_NAME);
                peer.send(o -> export(o, answer[0], (int) answer[1]));
              })
          .isInstanceOf(NbdProtocolException.class);
    }
  }

  @Test
  void nonsenseBlockSizesAreFatal() throws Exception {
    int[][] nonsense = {
      {0, 4096, 4096},
      {3, 4096, 4095},
      {1 << 17, 1 << 17, 1 << 17},
      {512, 256, 4096},
      {512, 4096, 4097},
      {4096, 4096, 512},
      {-1, -1, -1},
    };
    for (int[] sizes : nonsense) {
      informationIsFatal(
          "make no sense",
          NbdProtocol.INFO_BLOCK_SIZE,
          o -> {
            for (int size : sizes) {
              o.writeInt(size);
            }
          });
    }
  }

  @Test
  void contextThatComesTwiceIsFatal() throws Exception {
    Question set = handshake -> handshake.setMetaContexts("disk", List.of("a:"));
    for (int secondId : new int[] {1, 2}) {
      isFatal(
          "came twice",
          set,
          peer -> {
            peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
            peer.context(1, "a:b");
            peer.context(secondId, secondId == 1 ? "a:other" : "a:b");
            peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
          });
    }
  }
}
