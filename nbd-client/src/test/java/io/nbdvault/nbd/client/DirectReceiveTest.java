package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Payloads long enough to be received straight into direct buffers, from awkward servers. */
@Timeout(60)
final class DirectReceiveTest {
  private static final int LENGTH = 100_000;
  private static final int GUARD = 64;

  @TempDir Path dir;

  /** What a server sends, to be cut into pieces. */
  private interface Answer {
    void send(ScriptedPeer peer, ScriptedPeer.Request request) throws IOException;
  }

  private ScriptedServer serve(Answer answer) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          ClientFixture.handshake(peer);
          while (true) {
            ScriptedPeer.Request request = peer.readRequest();
            if (request.length() == 0) {
              // The client's goodbye.
              return;
            }
            answer.send(peer, request);
          }
        });
  }

  private static byte content(long offset) {
    return (byte) (offset * 31 + (offset >> 8));
  }

  /**
   * Sends the chunk's bytes in pieces of random lengths, so that every boundary is cut somewhere.
   */
  private static void sendInPieces(ScriptedPeer peer, byte[] bytes, Random random)
      throws IOException {
    for (int from = 0; from < bytes.length; ) {
      int most = random.nextInt(4) == 0 ? 50 : 40_000;
      int to = Math.min(from + 1 + random.nextInt(most), bytes.length);
      int begin = from;
      peer.send(o -> o.write(bytes, begin, to - begin));
      from = to;
    }
  }

  private static byte[] chunk(ScriptedPeer.Request request, boolean done, long offset, int length) {
    return ScriptedPeer.bytes(
        o -> {
          o.writeInt(NbdProtocol.STRUCTURED_REPLY_MAGIC);
          o.writeShort(done ? NbdProtocol.REPLY_FLAG_DONE : 0);
          o.writeShort(NbdProtocol.REPLY_TYPE_OFFSET_DATA);
          o.writeLong(request.cookie());
          o.writeInt(length + 8);
          o.writeLong(offset);
          for (int i = 0; i < length; i++) {
            o.write(content(offset + i));
          }
        });
  }

  @Test
  void receivesWhateverWayPayloadsAreCut() throws Exception {
    long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
    System.out.println("DirectReceiveTest nbdvault.test.seed=" + seed);
    Random random = new Random(seed);
    Answer twoChunks =
        (peer, request) -> {
          int length = (int) request.length();
          int first = 1 + random.nextInt(length - 1);
          // The second part first, so that neither begins where the other ended.
          sendInPieces(
              peer, chunk(request, false, request.offset() + first, length - first), random);
          sendInPieces(peer, chunk(request, true, request.offset(), first), random);
        };
    try (ScriptedServer server = serve(twoChunks);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      List<CompletableFuture<Void>> reads = new ArrayList<>();
      List<ByteBuffer> buffers = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH + 2 * GUARD);
        buffer.position(GUARD).limit(GUARD + LENGTH - i);
        buffers.add(buffer);
        reads.add(client.read(1000L * i, buffer));
      }
      for (int i = 0; i < reads.size(); i++) {
        await(reads.get(i));
        assertContent(buffers.get(i).clear(), 1000L * i, LENGTH - i);
      }
    }
  }

  private static void assertContent(ByteBuffer buffer, long offset, int length) {
    for (int i = 0; i < buffer.limit(); i++) {
      boolean inside = i >= GUARD && i < GUARD + length;
      byte expected = inside ? content(offset + i - GUARD) : 0;
      if (buffer.get(i) != expected) {
        throw new AssertionError("byte %d of %d at %d is wrong".formatted(i, length, offset));
      }
    }
  }

  private void refusesBeforeWriting(String reason, long offsetFromRequest, int length)
      throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH);
    Answer answer =
        (peer, r) ->
            peer.send(o -> o.write(chunk(r, true, r.offset() + offsetFromRequest, length)));
    try (ScriptedServer server = serve(answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(4096, buffer))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
    }
    assertThat(buffer.clear()).isEqualTo(ByteBuffer.allocate(LENGTH));
  }

  @Test
  void refusesChunksOutsideTheRequestBeforeAByteIsWritten() throws Exception {
    refusesBeforeWriting("lies outside", 0, LENGTH + 1);
    refusesBeforeWriting("lies outside", 1, LENGTH);
    refusesBeforeWriting("lies outside", -1, LENGTH);
    refusesBeforeWriting("lies outside", 4L << 30, LENGTH);
  }

  @Test
  void writesNothingAfterTheReadHasFailed() throws Exception {
    CountDownLatch failed = new CountDownLatch(1);
    Answer half =
        (peer, request) -> {
          byte[] bytes = chunk(request, true, request.offset(), LENGTH);
          peer.send(o -> o.write(bytes, 0, LENGTH / 2));
          try {
            failed.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          peer.send(o -> o.write(bytes, LENGTH / 2, bytes.length - LENGTH / 2));
        };
    ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH);
    byte[] mark = new byte[LENGTH];
    Arrays.fill(mark, (byte) 0x55);
    NbdClientOptions impatient = OPTIONS.withRequestTimeout(Duration.ofMillis(200));
    try (ScriptedServer server = serve(half)) {
      try (NbdClient client = NbdClient.open(server.uri(), impatient)) {
        assertFails(client.read(0, buffer)).isInstanceOf(NbdDisconnectedException.class);
        buffer.clear().put(mark).clear();
        failed.countDown();
      }
      assertThat(buffer).isEqualTo(ByteBuffer.wrap(mark));
    }
  }

  @Test
  void asksForABufferOnlyWhenTheAnswerBegins() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    Answer late =
        (peer, request) -> {
          try {
            answer.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          if (request.offset() == 0) {
            peer.error(request.cookie(), true, 5, "");
          } else {
            peer.send(o -> o.write(chunk(request, true, request.offset(), LENGTH)));
          }
        };
    ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH + 2 * GUARD);
    try (ScriptedServer server = serve(late);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      CompletableFuture<Void> refused =
          client.read(
              0,
              LENGTH,
              () -> {
                throw new AssertionError("asked although no content came");
              });
      CompletableFuture<Void> read =
          client.read(
              7,
              LENGTH,
              () -> {
                asked.countDown();
                return buffer.position(GUARD).limit(GUARD + LENGTH);
              });
      assertThat(asked.getCount()).isEqualTo(1);
      answer.countDown();
      assertFails(refused).hasMessageContaining("READ");
      await(read);
      assertThat(buffer.position()).isEqualTo(GUARD + LENGTH);
      assertContent(buffer.clear(), 7, LENGTH);
    }
  }

  @Test
  void aWrongBufferFailsTheReadButNotTheConnection() throws Exception {
    Answer good =
        (peer, r) -> peer.send(o -> o.write(chunk(r, true, r.offset(), (int) r.length())));
    try (ScriptedServer server = serve(good);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      CompletableFuture<Void> wrong = client.read(0, LENGTH, () -> ByteBuffer.allocateDirect(5));
      assertThatThrownBy(wrong::join).hasCauseInstanceOf(IllegalArgumentException.class);
      ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH + 2 * GUARD);
      await(client.read(0, LENGTH, () -> buffer.position(GUARD).limit(GUARD + LENGTH)));
      assertContent(buffer.clear(), 0, LENGTH);
    }
  }
}
