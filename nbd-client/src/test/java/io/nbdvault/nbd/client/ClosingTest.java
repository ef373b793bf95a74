package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The end of a client, from either side. */
@Timeout(60)
final class ClosingTest {
  @TempDir Path dir;

  @Test
  void closingFailsWhatIsInFlightAndWhatComesLater() throws Exception {
    try (ScriptedServer server =
        ScriptedServer.start(
            dir,
            peer -> {
              ClientFixture.handshake(peer);
              peer.awaitClosed();
            })) {
      NbdClient client = NbdClient.open(server.uri(), OPTIONS);
      CompletableFuture<Void> read = client.read(0, ByteBuffer.allocate(4096));
      client.close();
      client.close();
      assertFails(read).isInstanceOf(NbdDisconnectedException.class);
      assertFails(client.flush()).isInstanceOf(NbdDisconnectedException.class);
    }
  }

  @Test
  void eshutdownDrainsThenSendsDisc() throws Exception {
    CompletableFuture<ScriptedPeer.Request> last = new CompletableFuture<>();
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  ClientFixture.handshake(peer);
                  ScriptedPeer.Request first = peer.readRequest();
                  ScriptedPeer.Request second = peer.readRequest();
                  peer.error(first.cookie(), true, NbdErrno.ESHUTDOWN.code(), "");
                  peer.none(second.cookie());
                  last.complete(peer.readRequest());
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      CompletableFuture<Void> first = client.flush();
      CompletableFuture<Void> second = client.flush();
      assertShutDown(first);
      await(second);
      assertShutDown(client.flush());
      assertThat(await(last).type()).isEqualTo(2);
    }
  }

  private static void assertShutDown(CompletableFuture<?> future) {
    assertFails(future)
        .isInstanceOfSatisfying(
            NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.ESHUTDOWN));
  }
}
