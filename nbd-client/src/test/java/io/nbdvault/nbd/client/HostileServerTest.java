package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Replies that no sane server sends, in the transmission phase. */
@Timeout(60)
final class HostileServerTest {
  @TempDir Path dir;

  /** What the server sends in answer to one request. */
  private interface Answer {
    void send(ScriptedPeer peer, ScriptedPeer.Request request) throws IOException;
  }

  private void readIsFatal(String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(4096, ByteBuffer.allocate(4096), ReadFlag.DF))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
      assertFails(client.flush()).isInstanceOf(NbdProtocolException.class);
    }
  }

  private void statusIsFatal(String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.blockStatus(0, SIZE_BYTES))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
      assertFails(client.flush()).isInstanceOf(NbdProtocolException.class);
    }
  }

  /** A server that answers the first request as told, and later ones well. */
  private ScriptedServer serve(Answer answer) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          ClientFixture.handshake(peer);
          answer.send(peer, peer.readRequest());
          while (true) {
            peer.none(peer.readRequest().cookie());
          }
        });
  }

  @Test
  void wrongMagicIsFatal() throws Exception {
    readIsFatal("magic 0x0", (peer, request) -> peer.send(o -> o.write(new byte[16])));
  }

  @Test
  void unknownCookieIsFatal() throws Exception {
    readIsFatal("unknown cookie", (peer, r) -> peer.none(r.cookie() + 1));
    readIsFatal("unknown cookie", (peer, r) -> peer.none(r.cookie() + (1 << 16)));
    readIsFatal("unknown cookie", (peer, r) -> peer.none(-1));
  }

  @Test
  void replyThatComesTwiceIsFatal() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, r) -> {
                  peer.data(r.cookie(), true, r.offset(), (int) r.length(), 1);
                  peer.none(r.cookie());
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      await(client.read(0, ByteBuffer.allocate(512)));
      assertFails(client.read(0, ByteBuffer.allocate(512)))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("unknown cookie");
    }
  }

  @Test
  void simpleReplyToStructuredReadIsFatal() throws Exception {
    readIsFatal("simple reply", (peer, r) -> peer.simple(r.cookie(), 0, new byte[4096]));
  }

  @Test
  void structuredReplyThatWasNotNegotiatedIsFatal() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.simpleHandshake(SIZE_BYTES, ClientFixture.FLAGS);
                  peer.none(peer.readRequest().cookie());
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().structuredReplies()).isFalse();
      assertFails(client.flush())
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("not negotiated");
    }
  }

  @Test
  void dataOutsideTheRequestIsFatal() throws Exception {
    readIsFatal("lies outside", (p, r) -> p.data(r.cookie(), true, 4095, 4096, 1));
    readIsFatal("lies outside", (p, r) -> p.data(r.cookie(), true, 4097, 4096, 1));
    readIsFatal("lies outside", (p, r) -> p.data(r.cookie(), true, 4096, 4097, 1));
    readIsFatal("lies outside", (p, r) -> p.data(r.cookie(), true, Long.MAX_VALUE, 1, 1));
    readIsFatal("lies outside", (p, r) -> p.data(r.cookie(), true, -1, 1, 1));
  }

  @Test
  void holeOutsideTheRequestIsFatal() throws Exception {
    readIsFatal("lies outside", (p, r) -> p.hole(r.cookie(), true, 8191, 2));
    readIsFatal("lies outside", (p, r) -> p.hole(r.cookie(), true, 4096, -1));
    readIsFatal("lies outside", (p, r) -> p.hole(r.cookie(), true, Long.MIN_VALUE, 1));
  }

  @Test
  void lengthsOverTheMaximumAreFatal() throws Exception {
    readIsFatal("length", (p, r) -> p.chunkHeader(r.cookie(), true, 1, (64 << 20) + 8));
    readIsFatal("length", (p, r) -> p.chunkHeader(r.cookie(), true, 1, -1));
  }

  @Test
  void secondContentChunkUnderDfIsFatal() throws Exception {
    readIsFatal(
        "under DF",
        (peer, r) -> {
          peer.data(r.cookie(), false, 4096, 2048, 1);
          peer.data(r.cookie(), true, 6144, 2048, 1);
        });
  }

  @Test
  void noneWithoutDoneIsFatal() throws Exception {
    readIsFatal("without DONE", (p, r) -> p.chunk(r.cookie(), false, 0, o -> {}));
  }

  @Test
  void blockStatusInAnswerToReadIsFatal() throws Exception {
    readIsFatal("answered with", (p, r) -> p.extents(r.cookie(), true, 1, 4096, 0));
  }

  @Test
  void errorOutsideTheRequestIsFatal() throws Exception {
    readIsFatal(
        "outside the request",
        (peer, r) ->
            peer.chunk(
                r.cookie(),
                true,
                NbdProtocol.REPLY_TYPE_ERROR_OFFSET,
                o -> {
                  o.writeInt(5);
                  o.writeShort(0);
                  o.writeLong(8192);
                }));
  }

  @Test
  void overlappingOrMissingCoverageFailsTheReadOnly() throws Exception {
    coverageFailsTheRead(
        "overlapping",
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 2048, 1);
          peer.hole(r.cookie(), true, 1024, 3072);
        });
    coverageFailsTheRead("overlapping", HostileServerTest::sendFirstHalfTwice);
    coverageFailsTheRead(
        "first missing byte is at 2048", (p, r) -> p.data(r.cookie(), true, 0, 2048, 1));
    coverageFailsTheRead("first missing byte is at 0", (p, r) -> p.none(r.cookie()));
  }

  private static void sendFirstHalfTwice(ScriptedPeer peer, ScriptedPeer.Request request)
      throws IOException {
    peer.data(request.cookie(), false, 0, 2048, 1);
    peer.data(request.cookie(), true, 0, 2048, 1);
  }

  private void coverageFailsTheRead(String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
      await(client.flush());
    }
  }

  @Test
  void errorChunkMakesTheDataInvalidWhateverElseCame() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, r) -> {
                  peer.error(r.cookie(), false, 5, "disk on fire");
                  peer.data(r.cookie(), true, 0, 4096, 1);
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ByteBuffer destination = ByteBuffer.allocate(4096);
      assertFails(client.read(0, destination))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EIO))
          .hasMessage("EIO: READ of 4096 bytes at 0 failed: disk on fire");
      assertThat(destination.position()).isZero();
      await(client.flush());
    }
  }

  @Test
  void unknownErrorNumberIsEinvalAndUnknownErrorChunkFailsTheRequest() throws Exception {
    Answer unknown =
        (peer, r) ->
            peer.chunk(
                r.cookie(),
                true,
                NbdProtocol.REPLY_TYPE_FLAG_ERROR | 99,
                o -> {
                  o.writeInt(4711);
                  o.writeShort(0);
                  o.writeInt(0);
                });
    try (ScriptedServer server = serve(unknown);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(0, ByteBuffer.allocate(1)))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EINVAL));
      await(client.flush());
    }
  }

  @Test
  void blockStatusOfUnknownContextIsFatal() throws Exception {
    statusIsFatal("unknown metadata context", (p, r) -> p.extents(r.cookie(), true, 2, 4096, 0));
  }

  @Test
  void blockStatusOfTheSameContextTwiceIsFatal() throws Exception {
    statusIsFatal(
        "came twice",
        (peer, r) -> {
          peer.extents(r.cookie(), false, 1, 4096, 0);
          peer.extents(r.cookie(), true, 1, 4096, 0);
        });
  }

  @Test
  void blockStatusWithoutANegotiatedContextIsFatal() throws Exception {
    statusIsFatal("expected: [base:allocation]", (p, r) -> p.none(r.cookie()));
  }

  @Test
  void extentWithoutLengthIsFatal() throws Exception {
    statusIsFatal("length 0", (p, r) -> p.extents(r.cookie(), true, 1, 4096, 0, 0, 0));
  }

  @Test
  void extentAfterTheEndIsFatal() throws Exception {
    statusIsFatal(
        "after the request's end",
        (p, r) -> p.extents(r.cookie(), true, 1, (int) SIZE_BYTES, 0, 512, 0));
  }

  @Test
  void dataInAnswerToBlockStatusIsFatal() throws Exception {
    statusIsFatal("answered with data", (p, r) -> p.data(r.cookie(), true, 0, 512, 0));
  }

  @Test
  void lastExtentIsClampedToTheRequest() throws Exception {
    try (ScriptedServer server =
            serve((p, r) -> p.extents(r.cookie(), true, 1, 512, 0, 0x80000000, 3));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(await(client.blockStatus(0, 4096)).contexts())
          .containsEntry("base:allocation", List.of(new Extent(512, 0), new Extent(3584, 3)));
    }
  }

  @Test
  void severalExtentsUnderReqOneAreFatal() throws Exception {
    try (ScriptedServer server = serve((p, r) -> p.extents(r.cookie(), true, 1, 512, 0, 512, 3));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.blockStatus(0, 4096, BlockStatusFlag.REQ_ONE))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("REQ_ONE");
    }
  }

  @Test
  void serverThatDiesInTheMiddleOfAReplyIsNoticed() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  ClientFixture.handshake(peer);
                  peer.chunkHeader(peer.readRequest().cookie(), true, 1, 4096 + 8);
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("in the middle of a reply");
    }
  }

  @Test
  void replyThatTricklesPastTheDeadlineCostsTheConnection() throws Exception {
    Answer trickle =
        (peer, r) -> {
          peer.chunkHeader(r.cookie(), true, 1, 4096 + 8);
          for (int i = 0; i < 1000; i++) {
            peer.send(o -> o.write(0));
            sleep(5);
          }
        };
    NbdClientOptions hasty = OPTIONS.withRequestTimeout(Duration.ofMillis(200));
    try (ScriptedServer server = serve(trickle);
        NbdClient client = NbdClient.open(server.uri(), hasty)) {
      assertFails(client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("no reply within PT0.2S");
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
