package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Option haggling in the caller's own order. */
@Timeout(60)
final class NbdHandshakeTest {
  @TempDir Path dir;

  private ScriptedServer serve(ScriptedServer.Script script) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          peer.greet();
          script.serve(peer);
          peer.awaitClosed();
        });
  }

  private static void listReply(ScriptedPeer peer, String name, String details) throws IOException {
    peer.optionReply(
        NbdProtocol.OPT_LIST,
        NbdProtocol.REP_SERVER,
        o -> {
          o.writeInt(name.length());
          o.write((name + details).getBytes(StandardCharsets.UTF_8));
        });
  }

  @Test
  void listsThenAsksThenEnters() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  peer.expectOption(NbdProtocol.OPT_LIST);
                  listReply(peer, "vda", "the system");
                  listReply(peer, "", "");
                  peer.ack(NbdProtocol.OPT_LIST);
                  peer.expectOption(NbdProtocol.OPT_INFO);
                  peer.optionReply(
                      NbdProtocol.OPT_INFO, NbdProtocol.REP_ERR_UNKNOWN, o -> o.write('?'));
                  peer.expectOption(NbdProtocol.OPT_GO);
                  peer.exportInfo(SIZE_BYTES, FLAGS);
                  peer.optionReply(
                      NbdProtocol.OPT_GO,
                      NbdProtocol.REP_INFO,
                      o -> {
                        o.writeShort(NbdProtocol.INFO_DESCRIPTION);
                        o.write("of web1".getBytes(StandardCharsets.UTF_8));
                      });
                  peer.ack(NbdProtocol.OPT_GO);
                  ScriptedPeer.Request read = peer.readRequest();
                  peer.simple(read.cookie(), 0, new byte[] {1});
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThat(handshake.fixedNewstyle()).isTrue();
      assertThat(handshake.list())
          .containsExactly(
              new NbdHandshake.ListedExport("vda", "the system"),
              new NbdHandshake.ListedExport("", ""));
      assertThatThrownBy(() -> handshake.info("vdb"))
          .isInstanceOf(NbdServerException.class)
          .hasMessageContaining("INFO of 'vdb': the server has no such export (?)");
      try (NbdClient client = handshake.go("vda")) {
        assertThat(client.export().description()).hasValue("of web1");
        ByteBuffer destination = ByteBuffer.allocate(1);
        await(client.read(0, destination));
        assertThat(destination.array()).containsExactly(1);
      }
      assertThatThrownBy(handshake::list)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("over");
    }
  }

  @Test
  void goesOnAfterARefusedOption() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  peer.expectOption(NbdProtocol.OPT_EXTENDED_HEADERS);
                  peer.refuse(NbdProtocol.OPT_EXTENDED_HEADERS);
                  peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
                  peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThat(handshake.extendedHeaders()).isFalse();
      assertThat(handshake.headerStyle()).isEqualTo(HeaderStyle.SIMPLE);
      assertThat(handshake.structuredReplies()).isTrue();
      assertThat(handshake.headerStyle()).isEqualTo(HeaderStyle.STRUCTURED);
    }
  }

  @Test
  void setsContextsAndForgetsThemForAnotherExport() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
                  peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
                  peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
                  peer.context(9, "x:y");
                  peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
                  peer.expectOption(NbdProtocol.OPT_GO);
                  peer.exportInfo(SIZE_BYTES, FLAGS);
                  peer.ack(NbdProtocol.OPT_GO);
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThat(handshake.structuredReplies()).isTrue();
      assertThat(handshake.setMetaContexts("vda", List.of("x:"))).containsExactly("x:y");
      try (NbdClient client = handshake.go("vdb")) {
        assertThat(client.export().metaContexts()).isEmpty();
      }
    }
  }

  @Test
  void abortSaysSoAndTakesAClosedConnectionForAnAnswer() throws Exception {
    for (boolean acknowledges : new boolean[] {true, false}) {
      try (ScriptedServer server =
              ScriptedServer.start(
                  dir,
                  peer -> {
                    peer.greet();
                    peer.expectOption(NbdProtocol.OPT_ABORT);
                    if (acknowledges) {
                      peer.ack(NbdProtocol.OPT_ABORT);
                      peer.awaitClosed();
                    }
                  });
          NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
        handshake.abort();
        assertThatThrownBy(() -> handshake.go("")).isInstanceOf(IllegalStateException.class);
      }
    }
  }

  @Test
  void serverThatGoesAwayFailsEveryLaterQuestion() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir, ScriptedPeer::greet);
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(handshake::list)
            .isInstanceOf(NbdDisconnectedException.class)
            .hasMessageContaining("closed the connection");
      }
    }
  }

  @Test
  void secondAnswerToOneOptionIsFatal() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  peer.expectOption(NbdProtocol.OPT_LIST);
                  peer.send(
                      o -> {
                        for (int i = 0; i < 2; i++) {
                          ScriptedPeer.writeOptionReply(
                              o, NbdProtocol.OPT_LIST, NbdProtocol.REP_ACK, data -> {});
                        }
                      });
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThatThrownBy(handshake::list)
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("nobody asked for");
    }
  }

  @Test
  void optionsNeedFixedNewstyleWhileGoDoesNot() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  assertThat(peer.greet(0)).isZero();
                  peer.expectOption(NbdProtocol.OPT_EXPORT_NAME);
                  peer.send(
                      o -> {
                        o.writeLong(SIZE_BYTES);
                        o.writeShort(FLAGS);
                        o.write(new byte[124]);
                      });
                  peer.awaitClosed();
                });
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThatThrownBy(handshake::list)
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.ENOTSUP));
      try (NbdClient client = handshake.go("any")) {
        assertThat(client.export().sizeBytes()).isEqualTo(SIZE_BYTES);
      }
    }
  }
}
