package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer.Fields;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Strings that a broken server may send, wherever the protocol has one. */
@Timeout(60)
final class HostileTextTest {
  /** Forges a line of a log, clears a terminal, turns text around. */
  private static final String EVIL = "a\nb\u001b[2J\u202ec\u2028d";

  private static final String ESCAPED = "a\\u000ab\\u001b[2J\\u202ec\\u2028d";

  @TempDir Path dir;

  /** One place of the protocol that has a string. */
  private record Place(String what, int option, int type, int prefixBytes) {
    Fields data(byte[] text) {
      return o -> {
        if (option == NbdProtocol.OPT_LIST && prefixBytes == 4) {
          o.writeInt(text.length); // A name, with no details behind it.
        } else if (prefixBytes == 2) {
          o.writeShort(NbdProtocol.INFO_DESCRIPTION);
        } else {
          o.write(new byte[prefixBytes]); // A context's id, or the length of an empty name.
        }
        o.write(text);
      };
    }

    void ask(NbdHandshake handshake) throws NbdException {
      switch (option) {
        case NbdProtocol.OPT_LIST -> assertThat(handshake.list()).isNull();
        case NbdProtocol.OPT_INFO -> assertThat(handshake.info("disk")).isNull();
        default -> assertThat(handshake.setMetaContexts("disk", List.of("a:b"))).isNull();
      }
    }
  }

  private static final List<Place> PLACES =
      List.of(
          new Place("export name", NbdProtocol.OPT_LIST, NbdProtocol.REP_SERVER, 4),
          new Place("export details", NbdProtocol.OPT_LIST, NbdProtocol.REP_SERVER, 5),
          new Place("export description", NbdProtocol.OPT_INFO, NbdProtocol.REP_INFO, 2),
          new Place(
              "metadata context name",
              NbdProtocol.OPT_SET_META_CONTEXT,
              NbdProtocol.REP_META_CONTEXT,
              4),
          new Place("option error message", NbdProtocol.OPT_LIST, NbdProtocol.REP_ERR_POLICY, 0));

  private void isFatal(String reason, byte[] text) throws Exception {
    for (Place place : PLACES) {
      answer(place.option(), place.type(), place.data(text), place::ask)
          .as(place.what())
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
    }
    try (ScriptedServer server =
            HostileServer.serve(
                dir,
                (peer, r) ->
                    peer.chunk(
                        r.cookie(),
                        true,
                        NbdProtocol.REPLY_TYPE_ERROR,
                        o -> {
                          o.writeInt(5);
                          o.writeShort(text.length);
                          o.write(text);
                        }));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ClientFixture.assertFails(client.read(0, ByteBuffer.allocate(1)))
          .isInstanceOf(NbdProtocolException.class);
    }
  }

  private interface Question {
    void ask(NbdHandshake handshake) throws NbdException;
  }

  private AbstractThrowableAssert<?, ? extends Throwable> answer(
      int option, int type, Fields data, Question question) throws IOException {
    try (ScriptedServer server =
        ScriptedServer.start(
            dir,
            peer -> {
              peer.greet();
              peer.expectOption(option);
              peer.optionReply(option, type, data);
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

  @Test
  void stringsOver4096BytesAreFatal() throws Exception {
    isFatal("", "x".repeat(4097).getBytes(StandardCharsets.UTF_8));
    isFatal("", "ä".repeat(2049).getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void stringsWithNulAreFatal() throws Exception {
    isFatal("contains NUL", new byte[] {'a', 0, 'b'});
  }

  @Test
  void stringsThatAreNotUtf8AreFatal() throws Exception {
    isFatal("not UTF-8", new byte[] {'a', (byte) 0xff});
    isFatal("not UTF-8", new byte[] {'a', (byte) 0xc3});
    isFatal("not UTF-8", new byte[] {(byte) 0xc0, (byte) 0x80});
    isFatal("not UTF-8", new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80});
  }

  @Test
  void nameLongerThanItsReplyIsFatal() throws Exception {
    answer(
            NbdProtocol.OPT_LIST,
            NbdProtocol.REP_SERVER,
            o -> {
              o.writeInt(5);
              o.writeBytes("disk");
            },
            PLACES.get(0)::ask)
        .isInstanceOf(NbdProtocolException.class)
        .hasMessageContaining("only 4 are there");
  }

  @Test
  void refusalIsEscapedBeforeItIsLogged() throws Exception {
    answer(
            NbdProtocol.OPT_LIST,
            NbdProtocol.REP_ERR_POLICY,
            o -> o.write(EVIL.getBytes(StandardCharsets.UTF_8)),
            PLACES.get(0)::ask)
        .hasMessageContaining(ESCAPED);
  }

  @Test
  void errorOfARequestIsEscapedBeforeItIsLogged() throws Exception {
    HostileServer.readFailsAlone(dir, ESCAPED, (p, r) -> p.error(r.cookie(), true, 5, EVIL));
  }

  @Test
  void contextThatComesTwiceIsEscapedBeforeItIsLogged() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.handshake(1 << 20, ClientFixture.FLAGS, List.of(EVIL));
                  long cookie = peer.readRequest().cookie();
                  peer.extents(cookie, false, 1, 512, 0);
                  peer.extents(cookie, true, 1, 512, 0);
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withMetaContexts(List.of(EVIL)))) {
      ClientFixture.assertFails(client.blockStatus(0, 4096)).hasMessageContaining(ESCAPED);
    }
  }

  @Test
  void exportsThatDifferAreEscapedBeforeTheyAreLogged() throws Exception {
    Map<Integer, String> names = Map.of(1, EVIL, 2, "other");
    AtomicInteger connections = new AtomicInteger();
    try (ScriptedServer server =
        ScriptedServer.start(
            dir,
            peer -> {
              String name = names.getOrDefault(connections.incrementAndGet(), "other");
              peer.handshake(1 << 20, ClientFixture.FLAGS, List.of(name));
              peer.awaitClosed();
            })) {
      assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS.withAssumeMultiConn(true)))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(ESCAPED);
    }
  }
}
