package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class DeadlinesTest {
  private static final NbdClientOptions IMPATIENT =
      OPTIONS.withProgressTimeout(Duration.ofMillis(400));

  @TempDir Path dir;

  private ScriptedServer serve(ScriptedServer.Script transmission) throws Exception {
    return ScriptedServer.start(
        dir,
        peer -> {
          ClientFixture.handshake(peer);
          transmission.serve(peer);
        });
  }

  @Test
  void givesUpAServerThatSendsNothing() throws Exception {
    try (ScriptedServer server = serve(ScriptedPeer::awaitClosed);
        NbdClient client = NbdClient.open(server.uri(), IMPATIENT)) {
      assertFails(client.read(0, ByteBuffer.allocate(512)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("1 requests in flight, and nothing from the server within PT0.4S");
    }
  }

  @Test
  void aTricklingServerIsBoundedByTheRequestsDeadline() throws Exception {
    ScriptedServer.Script trickle =
        peer -> {
          ScriptedPeer.Request request = peer.readRequest();
          peer.chunkHeader(request.cookie(), true, NbdProtocol.REPLY_TYPE_OFFSET_DATA, 8 + 100_000);
          peer.send(o -> o.writeLong(request.offset()));
          while (true) {
            peer.send(o -> o.write(1));
            pause(50);
          }
        };
    try (ScriptedServer server = serve(trickle);
        NbdClient client =
            NbdClient.open(server.uri(), IMPATIENT.withRequestTimeout(Duration.ofSeconds(1)))) {
      assertFails(client.read(0, ByteBuffer.allocateDirect(100_000)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("no reply within PT1S");
    }
  }

  @Test
  void anIdleConnectionOwesNoSignOfLife() throws Exception {
    ScriptedServer.Script good =
        peer -> {
          while (true) {
            peer.none(peer.readRequest().cookie());
          }
        };
    try (ScriptedServer server = serve(good);
        NbdClient client = NbdClient.open(server.uri(), IMPATIENT)) {
      await(client.flush());
      pause(1000);
      await(client.flush());
    }
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
