package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** 64-bit requests and replies, with a server that follows the specification and with others. */
@Timeout(60)
final class ExtendedHeadersTest {
  private static final long SIZE_BYTES = 1L << 50;
  private static final NbdClientOptions EXTENDED = OPTIONS.withExtendedHeaders(true);

  @TempDir Path dir;

  /** What a server does with one request. */
  private interface Answer {
    void to(ScriptedPeer peer, ScriptedPeer.Request request) throws IOException;
  }

  private ScriptedServer serve(Answer answer) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          peer.extendedHandshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
          answer.to(peer, peer.readRequest());
          peer.awaitClosed();
        });
  }

  private void assertStatusIsFatal(String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(answer);
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      assertFails(client.blockStatus(4096, 8192))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
    }
  }

  private static ScriptedPeer.Fields status(int contextId, int count, long... lengthsAndFlags) {
    return o -> {
      o.writeInt(contextId);
      o.writeInt(count);
      for (long value : lengthsAndFlags) {
        o.writeLong(value);
      }
    };
  }

  @Test
  void asksForThemFirstAndDoesNotAskForStructuredRepliesThen() throws Exception {
    try (ScriptedServer server = serve((peer, request) -> {});
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      assertThat(client.export().headerStyle()).isEqualTo(HeaderStyle.EXTENDED);
      assertThat(client.export().structuredReplies()).isTrue();
      assertThat(client.export().canDf()).isTrue();
    }
  }

  @Test
  void fallsBackToStructuredRepliesWhereTheServerHasNone() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.handshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      assertThat(client.export().headerStyle()).isEqualTo(HeaderStyle.STRUCTURED);
    }
  }

  @Test
  void oneBlockStatusCoversAnExportOfAnySizeWith64BitExtents() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, r) -> {
                  assertThat(r.length()).isEqualTo(SIZE_BYTES);
                  peer.extendedChunk(
                      r,
                      true,
                      NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT,
                      status(1, 2, 1L << 40, 0, SIZE_BYTES - (1L << 40), 3));
                });
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      assertThat(await(client.blockStatus(0, SIZE_BYTES)).contexts())
          .isEqualTo(
              Map.of(
                  "base:allocation",
                  List.of(new Extent(1L << 40, 0), new Extent(SIZE_BYTES - (1L << 40), 3))));
    }
  }

  @Test
  void flagsOfAnExtentHave64Bits() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, r) ->
                    peer.extendedChunk(
                        r,
                        true,
                        NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT,
                        status(1, 1, 8192, 1L << 63)));
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      assertThat(await(client.blockStatus(0, 8192)).contexts().get("base:allocation"))
          .containsExactly(new Extent(8192, 1L << 63));
    }
  }

  @Test
  void readsDataAndHoles() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, r) -> {
                  peer.extendedChunk(
                      r,
                      false,
                      NbdProtocol.REPLY_TYPE_OFFSET_DATA,
                      o -> {
                        o.writeLong(r.offset());
                        o.write(new byte[] {1, 2});
                      });
                  peer.extendedChunk(
                      r,
                      true,
                      NbdProtocol.REPLY_TYPE_OFFSET_HOLE,
                      o -> {
                        o.writeLong(r.offset() + 2);
                        o.writeInt(2);
                      });
                });
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      ByteBuffer destination = ByteBuffer.wrap(new byte[] {9, 9, 9, 9});
      await(client.read(SIZE_BYTES - 4, destination));
      assertThat(destination.array()).containsExactly(1, 2, 0, 0);
    }
  }

  @Test
  void writeSaysThatItsLengthIsItsPayloads() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, r) -> {
                  assertThat(r.flags()).isEqualTo(NbdProtocol.CMD_FLAG_PAYLOAD_LEN);
                  assertThat(r.payload()).isEqualTo(ByteBuffer.wrap(new byte[] {5, 6}));
                  peer.extendedChunk(r, true, NbdProtocol.REPLY_TYPE_NONE, o -> {});
                });
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      await(client.write(7, ByteBuffer.wrap(new byte[] {5, 6})));
    }
  }

  @Test
  void replyForAnotherOffsetIsFatal() throws Exception {
    assertStatusIsFatal(
        "answered for offset 4097",
        (peer, r) ->
            peer.extendedChunk(
                r.cookie(),
                r.offset() + 1,
                true,
                NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT,
                status(1, 1, 8192, 0)));
  }

  @Test
  void structuredReplyIsFatal() throws Exception {
    assertStatusIsFatal("not negotiated", (peer, r) -> peer.extents(r.cookie(), true, 1, 8192, 0));
  }

  @Test
  void simpleReplyIsFatal() throws Exception {
    assertStatusIsFatal("not negotiated", (peer, r) -> peer.simple(r.cookie(), 0, new byte[0]));
  }

  @Test
  void narrowBlockStatusIsFatal() throws Exception {
    assertStatusIsFatal(
        "chunk type 5",
        (peer, r) ->
            peer.extendedChunk(
                r,
                true,
                NbdProtocol.REPLY_TYPE_BLOCK_STATUS,
                o -> {
                  o.writeInt(1);
                  o.writeInt(8192);
                  o.writeInt(0);
                }));
  }

  @Test
  void wideBlockStatusWithoutExtendedHeadersIsFatal() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.handshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
                  ScriptedPeer.Request r = peer.readRequest();
                  peer.chunk(
                      r.cookie(),
                      true,
                      NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT,
                      status(1, 1, 8192, 0));
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), EXTENDED)) {
      assertFails(client.blockStatus(4096, 8192))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("chunk type 6");
    }
  }

  @Test
  void descriptorCountThatContradictsTheLengthIsFatal() throws Exception {
    assertStatusIsFatal(
        "count: 2",
        (peer, r) ->
            peer.extendedChunk(
                r, true, NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT, status(1, 2, 8192, 0)));
  }

  @Test
  void extentOfNegativeLengthIsFatal() throws Exception {
    assertStatusIsFatal(
        "extent of length 18446744073709551615",
        (peer, r) ->
            peer.extendedChunk(
                r, true, NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT, status(1, 1, -1, 0)));
  }

  @Test
  void extentThatOverflowsTheSumIsCutOrFatalButNeverBelieved() throws Exception {
    assertStatusIsFatal(
        "begins after the request's end",
        (peer, r) ->
            peer.extendedChunk(
                r,
                true,
                NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT,
                status(1, 2, Long.MAX_VALUE, 0, 4096, 0)));
  }

  @Test
  void replyLongerThan31BitsIsFatal() throws Exception {
    assertStatusIsFatal(
        "length: 4294967296",
        (peer, r) ->
            peer.send(
                o -> {
                  o.writeInt(NbdProtocol.EXTENDED_REPLY_MAGIC);
                  o.writeShort(NbdProtocol.REPLY_FLAG_DONE);
                  o.writeShort(NbdProtocol.REPLY_TYPE_NONE);
                  o.writeLong(r.cookie());
                  o.writeLong(r.offset());
                  o.writeLong(1L << 32);
                }));
  }
}
