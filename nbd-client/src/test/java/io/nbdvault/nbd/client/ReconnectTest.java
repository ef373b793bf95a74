package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.Extent;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections that are lost, and what becomes of the requests on them. */
@Timeout(60)
final class ReconnectTest {
  private static final NbdClientOptions RECONNECTING =
      OPTIONS.withConnections(1).withReconnectTimeout(Duration.ofSeconds(20));

  @TempDir Path dir;
  private final AtomicInteger connections = new AtomicInteger();

  /** What a connection does after its handshake; ending closes it. */
  private interface Connected {
    void serve(ScriptedPeer peer) throws IOException;
  }

  /** Each connection in turn does what the next of {@code scripts} says, and then the last. */
  private ScriptedServer serve(Connected... scripts) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          int index = Math.min(connections.getAndIncrement(), scripts.length - 1);
          peer.handshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
          scripts[index].serve(peer);
        });
  }

  /** Reads are answered with the number of the connection that answered. */
  private void answerAll(ScriptedPeer peer) throws IOException {
    int fill = connections.get();
    while (true) {
      ScriptedPeer.Request request = peer.readRequest();
      switch (request.type()) {
        case 0 -> peer.data(request.cookie(), true, request.offset(), (int) request.length(), fill);
        case 2 -> {
          return;
        }
        case 7 -> peer.extents(request.cookie(), true, 1, (int) request.length(), 3);
        default -> peer.none(request.cookie());
      }
    }
  }

  @Test
  void readsAndBlockStatusInFlightAreSentAgain() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  ScriptedPeer.Request first = peer.readRequest();
                  // Half an answer, which must not count when the whole one comes.
                  peer.data(first.cookie(), false, first.offset(), 256, 9);
                  for (int i = 0; i < 3; i++) {
                    peer.readRequest();
                  }
                },
                this::answerAll);
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      List<CompletableFuture<ByteBuffer>> reads = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        reads.add(client.read(i * 512L, 512));
      }
      CompletableFuture<BlockStatus> status = client.blockStatus(0, 4096);
      for (CompletableFuture<ByteBuffer> read : reads) {
        byte[] expected = new byte[512];
        Arrays.fill(expected, (byte) 2);
        assertThat(await(read).array()).isEqualTo(expected);
      }
      assertThat(await(status).contexts().get("base:allocation"))
          .containsExactly(new Extent(4096, 3));
      assertThat(connections).hasValue(2);
    }
  }

  @Test
  void withoutTheOptionALostConnectionFailsWhatIsInFlight() throws Exception {
    try (ScriptedServer server = serve(ScriptedPeer::readRequest, this::answerAll);
        NbdClient client =
            NbdClient.open(server.uri(), RECONNECTING.withReconnectTimeout(Duration.ZERO))) {
      assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
      assertThat(connections).hasValue(1);
    }
  }

  @Test
  void neverReconnectsOnceSomethingWasWritten() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  peer.none(peer.readRequest().cookie());
                  peer.readRequest();
                },
                this::answerAll);
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      await(client.write(0, ByteBuffer.allocate(512)));
      assertFails(client.flush()).isInstanceOf(NbdDisconnectedException.class);
      assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
      assertThat(connections).hasValue(1);
    }
  }

  @Test
  void anotherExportBehindTheSameNameIsFatal() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  long size = SIZE_BYTES + 512L * connections.getAndIncrement();
                  peer.handshake(size, FLAGS, List.of("base:allocation"));
                  peer.readRequest();
                });
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      assertFails(client.read(0, 512))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("the export changed while reconnecting");
    }
  }

  @Test
  void brokenProtocolIsNoReasonToTryAgain() throws Exception {
    try (ScriptedServer server =
            serve(
                peer -> {
                  peer.readRequest();
                  peer.send(o -> o.write(new byte[16]));
                  peer.awaitClosed();
                },
                this::answerAll);
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      assertFails(client.read(0, 512)).isInstanceOf(NbdProtocolException.class);
      assertThat(connections).hasValue(1);
    }
  }

  @Test
  @SuppressWarnings("try") // The server goes away before the client.
  void givesUpAfterTheTimeout() throws Exception {
    try (ScriptedServer server = serve(ScriptedPeer::readRequest);
        NbdClient client =
            NbdClient.open(
                server.uri(), RECONNECTING.withReconnectTimeout(Duration.ofMillis(300)))) {
      CompletableFuture<ByteBuffer> read = client.read(0, 512);
      server.close();
      assertFails(read)
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("not connected again within PT0.3S");
      assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
    }
  }

  @Test
  void requestThatKillsEveryConnectionIsGivenUp() throws Exception {
    try (ScriptedServer server = serve(ScriptedPeer::readRequest);
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
      assertThat(connections).hasValueGreaterThanOrEqualTo(1 + ClientLimits.RESTARTS_MAX);
    }
  }

  @Test
  void listenerThatWasToldSomethingIsNotToldItTwice() throws Exception {
    AtomicInteger told = new AtomicInteger();
    try (ScriptedServer server =
            serve(
                peer -> {
                  ScriptedPeer.Request first = peer.readRequest();
                  peer.data(first.cookie(), false, first.offset(), 256, 9);
                },
                this::answerAll);
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      ReadListener listener =
          new ReadListener() {
            @Override
            public void data(long offsetBytes, ByteBuffer data) {
              told.addAndGet(data.remaining());
            }

            @Override
            public void hole(long offsetBytes, long lengthBytes) {
              throw new AssertionError("hole");
            }
          };
      assertFails(client.read(0, 512, listener)).isInstanceOf(NbdDisconnectedException.class);
      assertThat(told).hasValue(256);
      assertThat(await(client.read(0, 1)).get(0)).isEqualTo((byte) 2);
    }
  }

  @Test
  void otherConnectionsGoOnMeanwhile() throws Exception {
    int multiConn = FLAGS | NbdProtocol.FLAG_CAN_MULTI_CONN;
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  int index = connections.getAndIncrement();
                  if (index < 2) {
                    peer.handshake(SIZE_BYTES, multiConn, List.of("base:allocation"));
                  }
                  if (index == 0) {
                    peer.readRequest();
                  } else if (index == 1) {
                    answerAll(peer);
                  } else {
                    peer.awaitClosed(); // No handshake any more: the replacement never comes.
                  }
                });
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING.withConnections(2))) {
      for (int i = 0; i < 20; i++) {
        assertThat(await(client.read(i * 512L, 512)).remaining()).isEqualTo(512);
      }
    }
  }

  @Test
  @SuppressWarnings("try") // The server goes away before the client.
  void closingEndsTheAttempts() throws Exception {
    try (ScriptedServer server = serve(ScriptedPeer::readRequest)) {
      NbdClient client = NbdClient.open(server.uri(), RECONNECTING);
      CompletableFuture<ByteBuffer> read = client.read(0, 512);
      server.close();
      client.close();
      assertThatThrownBy(() -> await(read)).isInstanceOf(NbdDisconnectedException.class);
      assertThat(Thread.getAllStackTraces().keySet())
          .filteredOn(thread -> thread.getName().equals("nbd-reconnect"))
          .allSatisfy(thread -> thread.join(10_000))
          .noneMatch(Thread::isAlive);
    }
  }
}
