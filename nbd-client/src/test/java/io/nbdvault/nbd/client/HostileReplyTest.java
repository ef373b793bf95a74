package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static io.nbdvault.nbd.client.HostileServer.readFailsAlone;
import static io.nbdvault.nbd.client.HostileServer.readIsFatal;
import static io.nbdvault.nbd.client.HostileServer.serve;
import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Frames that no sane server sends in the transmission phase, whatever they answer. */
@Timeout(60)
final class HostileReplyTest {
  @TempDir Path dir;

  @Test
  void wrongMagicIsFatal() throws Exception {
    readIsFatal(dir, "magic 0x0", (peer, request) -> peer.send(o -> o.write(new byte[16])));
    readIsFatal(
        dir,
        "magic 0x25609513",
        (peer, request) ->
            peer.send(
                o -> {
                  o.writeInt(NbdProtocol.REQUEST_MAGIC);
                  o.write(new byte[12]);
                }));
  }

  @Test
  void unknownCookieIsFatal() throws Exception {
    readIsFatal(dir, "unknown cookie", (peer, r) -> peer.none(r.cookie() + 1));
    readIsFatal(dir, "unknown cookie", (peer, r) -> peer.none(r.cookie() + (1 << 16)));
    readIsFatal(dir, "unknown cookie", (peer, r) -> peer.none(-1));
    readIsFatal(dir, "unknown cookie", (peer, r) -> peer.simple(-1, 0, new byte[0]));
  }

  @Test
  void cookieOfAReplyThatIsOverIsUnknownAndFatal() throws Exception {
    try (ScriptedServer server =
            serve(
                dir,
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
  void extendedReplyThatWasNotNegotiatedIsFatal() throws Exception {
    readIsFatal(dir, "not negotiated", (peer, r) -> peer.extendedChunk(r, true, 0, o -> {}));
  }

  @Test
  void simpleReplyToAStructuredReadIsFatal() throws Exception {
    readIsFatal(dir, "simple reply", (peer, r) -> peer.simple(r.cookie(), 0, new byte[4096]));
    readIsFatal(dir, "simple reply", (peer, r) -> peer.simple(r.cookie(), 5, new byte[0]));
  }

  @Test
  void chunkLongerThanItsMaximumIsFatalBeforeItComes() throws Exception {
    // Only headers are sent: whoever waits for what they announce runs into the deadline.
    int data = NbdProtocol.REPLY_TYPE_OFFSET_DATA;
    readIsFatal(dir, "length", (p, r) -> p.chunkHeader(r.cookie(), true, data, (32 << 20) + 9));
    readIsFatal(dir, "length", (p, r) -> p.chunkHeader(r.cookie(), true, data, -1));
    readIsFatal(
        dir,
        "lies outside",
        (peer, r) -> {
          peer.chunkHeader(r.cookie(), true, data, (32 << 20) + 8);
          peer.send(o -> o.writeLong(4096));
        });
    int hole = NbdProtocol.REPLY_TYPE_OFFSET_HOLE;
    readIsFatal(dir, "length: 13", (p, r) -> p.chunkHeader(r.cookie(), true, hole, 13));
    int status = NbdProtocol.REPLY_TYPE_BLOCK_STATUS;
    int tooMany = 4 + 8 * (NbdProtocol.EXTENTS_PER_CHUNK_MAX + 1);
    readIsFatal(dir, "length", (p, r) -> p.chunkHeader(r.cookie(), true, status, tooMany));
    int error = NbdProtocol.REPLY_TYPE_ERROR;
    readIsFatal(dir, "length: 4111", (p, r) -> p.chunkHeader(r.cookie(), true, error, 4111));
    int unknownError = NbdProtocol.REPLY_TYPE_FLAG_ERROR | 99;
    readIsFatal(dir, "length", (p, r) -> p.chunkHeader(r.cookie(), true, unknownError, 1 << 30));
  }

  @Test
  void unknownErrorCodeIsEinval() throws Exception {
    for (int code : new int[] {4711, -1, 2}) {
      try (ScriptedServer server = serve(dir, (p, r) -> p.error(r.cookie(), true, code, ""));
          NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
        assertFails(client.read(0, ByteBuffer.allocate(1)))
            .isInstanceOfSatisfying(
                NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EINVAL));
        await(client.flush());
      }
    }
  }

  @Test
  void unknownChunkTypeWithTheErrorBitFailsTheRequest() throws Exception {
    readFailsAlone(
        dir,
        "EIO",
        (peer, r) ->
            peer.chunk(
                r.cookie(),
                true,
                NbdProtocol.REPLY_TYPE_FLAG_ERROR | 99,
                o -> {
                  o.writeInt(5);
                  o.writeShort(0);
                  o.writeInt(0);
                }));
  }

  @Test
  void unknownChunkTypeWithoutTheErrorBitIsFatal() throws Exception {
    for (int type : new int[] {3, 4, 99, 0x7fff}) {
      readIsFatal(
          dir, "unknown chunk type " + type, (p, r) -> p.chunk(r.cookie(), true, type, o -> {}));
    }
  }

  @Test
  void doneThatNeverComesRunsIntoTheRequestsDeadline() throws Exception {
    deadlineCostsTheConnection((p, r) -> p.data(r.cookie(), false, 0, (int) r.length(), 1));
  }

  @Test
  void endlessChunksWithoutDoneRunIntoTheRequestsDeadline() throws Exception {
    String text = "x".repeat(NbdProtocol.STRING_BYTES_MAX);
    deadlineCostsTheConnection(
        (peer, r) -> {
          while (true) {
            peer.error(r.cookie(), false, 5, text);
          }
        });
  }

  @Test
  void replyThatTricklesPastTheRequestsDeadlineCostsTheConnection() throws Exception {
    deadlineCostsTheConnection(
        (peer, r) -> {
          peer.chunkHeader(r.cookie(), true, 1, 4096 + 8);
          for (int i = 0; i < 1000; i++) {
            peer.send(o -> o.write(0));
            sleep(5);
          }
        });
  }

  private void deadlineCostsTheConnection(HostileServer.Answer answer) throws Exception {
    NbdClientOptions hasty = OPTIONS.withRequestTimeout(Duration.ofMillis(200));
    try (ScriptedServer server = serve(dir, answer);
        NbdClient client = NbdClient.open(server.uri(), hasty)) {
      assertFails(client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("no reply within PT0.2S");
      assertFails(client.flush()).isInstanceOf(NbdDisconnectedException.class);
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

  @Test
  void serverThatDiesInTheMiddleOfAReplyIsNoticed() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(dir, HostileReplyTest::dieInTheMiddleOfAReply);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("in the middle of a reply");
    }
  }

  private static void dieInTheMiddleOfAReply(ScriptedPeer peer) throws IOException {
    ClientFixture.handshake(peer);
    peer.chunkHeader(peer.readRequest().cookie(), true, 1, 4096 + 8);
  }
}
