package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import io.netty.channel.Channel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections that are lost at awkward moments: whatever is read ends, one way or the other. */
@Timeout(120)
final class LostConnectionTest {
  private static final int MULTI_CONN = FLAGS | NbdProtocol.FLAG_CAN_MULTI_CONN;
  private static final NbdClientOptions TWO = OPTIONS.withConnections(2);
  private static final NbdClientOptions RECONNECTING =
      OPTIONS.withConnections(1).withReconnectTimeout(Duration.ofSeconds(30));

  @TempDir Path dir;
  private final AtomicInteger connections = new AtomicInteger();

  /** What one connection does, the handshake included; ending closes it. */
  private interface Numbered {
    void serve(ScriptedPeer peer, int number) throws IOException;
  }

  /** Connections are numbered from 0 on. */
  private ScriptedServer serve(Numbered script) throws IOException {
    return ScriptedServer.start(dir, peer -> script.serve(peer, connections.getAndIncrement()));
  }

  private static void handshake(ScriptedPeer peer) throws IOException {
    peer.handshake(SIZE_BYTES, MULTI_CONN, List.of("base:allocation"));
  }

  private static void answerReads(ScriptedPeer peer) throws IOException {
    while (true) {
      ScriptedPeer.Request request = peer.readRequest();
      if (request.type() == Command.DISC.code()) {
        return;
      }
      peer.data(request.cookie(), true, request.offset(), (int) request.length(), 7);
    }
  }

  /** Enters the export and waits until the server has hung up and the pipeline is taken down. */
  private static NbdHandshake.Entered enteredAndLost(ScriptedServer server) throws Exception {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(server.uri(), OPTIONS)) {
      NbdHandshake.Entered entered = handshake.enter("disk");
      Channel channel = entered.channel();
      assertThat(channel.closeFuture().await(30, TimeUnit.SECONDS)).isTrue();
      while (channel.pipeline().get(HandshakeHandler.class) != null) {
        pause(Duration.ofMillis(5)); // Bounded by the test's own timeout.
      }
      return entered;
    }
  }

  @Test
  void connectionLostBeforeTheClientTakesItOverFailsTheReads() throws Exception {
    try (ScriptedServer server = serve((peer, number) -> handshake(peer));
        NbdClient client = NbdClient.of(List.of(enteredAndLost(server)), OPTIONS, null)) {
      for (int i = 0; i < 3; i++) {
        assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
      }
      assertFails(client.flush()).isInstanceOf(NbdDisconnectedException.class);
    }
  }

  @Test
  void connectionLostBeforeTheClientTakesItOverIsReplaced() throws Exception {
    try (ScriptedServer server =
            serve(
                (peer, number) -> {
                  handshake(peer);
                  if (number > 0) {
                    answerReads(peer);
                  }
                });
        NbdClient client =
            NbdClient.of(
                List.of(enteredAndLost(server)),
                RECONNECTING,
                () -> NbdHandshake.connectAndAgree(server.uri(), OPTIONS).enter("disk"))) {
      assertThat(await(client.read(0, 512)).get(0)).isEqualTo((byte) 7);
      assertThat(await(client.read(512, 512)).get(0)).isEqualTo((byte) 7);
      assertThat(connections).hasValue(2);
    }
  }

  @Test
  void firstConnectionLostWhileTheSecondIsOpenedFailsTheReads() throws Exception {
    CountDownLatch secondIsThere = new CountDownLatch(1);
    try (ScriptedServer server =
        serve(
            (peer, number) -> {
              if (number == 0) {
                handshake(peer);
                await(secondIsThere);
                return;
              }
              secondIsThere.countDown();
              // Time for the first one's end to arrive; without it the test is only less strict.
              pause(Duration.ofMillis(500));
              handshake(peer);
              answerReads(peer);
            })) {
      NbdClient client = NbdClient.open(server.uri(), TWO);
      try (client) {
        assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
        assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
      }
    }
  }

  private static void pause(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void readsEndHoweverSoonAfterTheHandshakeTheServerHangsUp() throws Exception {
    try (ScriptedServer server = serve((peer, number) -> handshake(peer))) {
      for (int i = 0; i < 100; i++) {
        try (NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(1))) {
          assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
        }
      }
    }
  }

  @Test
  void replacementsThatDieAtOnceAreReplacedOneForOne() throws Exception {
    int last = 6;
    try (ScriptedServer server =
            serve(
                (peer, number) -> {
                  handshake(peer);
                  if (number == 0) {
                    peer.readRequest();
                  } else if (number >= last) {
                    answerReads(peer);
                  }
                });
        NbdClient client = NbdClient.open(server.uri(), RECONNECTING)) {
      for (int i = 0; i < 20; i++) {
        assertThat(await(client.read(i * 512L, 512)).get(0)).isEqualTo((byte) 7);
      }
      assertThat(connections).hasValue(last + 1);
    }
  }

  @Test
  void losingTheOtherConnectionAfterGivingUpOnTheFirstEndsTheReads() throws Exception {
    CountDownLatch opened = new CountDownLatch(1);
    try (ScriptedServer server =
            serve(
                (peer, number) -> {
                  if (number < 2) {
                    handshake(peer);
                    loseFirst(peer, number, opened);
                  }
                });
        NbdClient client =
            NbdClient.open(server.uri(), TWO.withReconnectTimeout(Duration.ofMillis(300)))) {
      opened.countDown();
      awaitGivingUp(3);
      CompletableFuture<ByteBuffer> inFlight = client.read(0, 512);
      assertFails(inFlight)
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("not connected again");
      assertFails(client.read(0, 512)).isInstanceOf(NbdDisconnectedException.class);
    }
  }

  @Test
  void laterLossIsReplacedEvenIfAnEarlierOneWasNot() throws Exception {
    CountDownLatch opened = new CountDownLatch(1);
    AtomicBoolean backAgain = new AtomicBoolean();
    try (ScriptedServer server =
            serve(
                (peer, number) -> {
                  if (number < 2) {
                    handshake(peer);
                    loseFirst(peer, number, opened);
                  } else if (backAgain.get()) {
                    handshake(peer);
                    answerReads(peer);
                  }
                });
        NbdClient client =
            NbdClient.open(server.uri(), TWO.withReconnectTimeout(Duration.ofMillis(300)))) {
      opened.countDown();
      awaitGivingUp(3);
      backAgain.set(true);
      assertThat(await(client.read(0, 512)).get(0)).isEqualTo((byte) 7);
      assertThat(await(client.read(512, 512)).get(0)).isEqualTo((byte) 7);
    }
  }

  /** The first connection dies when both are there; the second at its first request. */
  private static void loseFirst(ScriptedPeer peer, int number, CountDownLatch opened)
      throws IOException {
    if (number == 0) {
      await(opened);
    } else {
      peer.readRequest();
    }
  }

  /** Waits for the attempts to begin and to be over. */
  private void awaitGivingUp(int attempted) {
    while (connections.get() < attempted || reconnecting()) {
      pause(Duration.ofMillis(20)); // Bounded by the test's own timeout.
    }
  }

  private static boolean reconnecting() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("nbd-reconnect") && thread.isAlive());
  }
}
