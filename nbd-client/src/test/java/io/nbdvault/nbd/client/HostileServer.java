package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Servers that answer their first request as no sane server does, and what must come of it. */
final class HostileServer {
  private HostileServer() {}

  /** What a server sends in answer to one request. */
  interface Answer {
    void send(ScriptedPeer peer, ScriptedPeer.Request request) throws IOException;
  }

  /** A server that answers the first request as told, and later ones well. */
  static ScriptedServer serve(Path dir, Answer answer) throws IOException {
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

  /** A read under DF of 4096 bytes at 4096, and then the connection, must fail. */
  static void readIsFatal(Path dir, String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(dir, answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(4096, ByteBuffer.allocate(4096), ReadFlag.DF))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
      assertFails(client.flush()).isInstanceOf(NbdProtocolException.class);
    }
  }

  /** A block status of all of the export, and then the connection, must fail. */
  static void statusIsFatal(Path dir, String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(dir, answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.blockStatus(0, SIZE_BYTES))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining(reason);
      assertFails(client.flush()).isInstanceOf(NbdProtocolException.class);
    }
  }

  /** A read of 4096 bytes at 0 must fail, and the connection live on. */
  static void readFailsAlone(Path dir, String reason, Answer answer) throws Exception {
    try (ScriptedServer server = serve(dir, answer);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ByteBuffer destination = ByteBuffer.allocate(4096);
      assertFails(client.read(0, destination)).hasMessageContaining(reason);
      if (destination.position() != 0) {
        throw new AssertionError("the failed read moved its buffer");
      }
      await(client.flush());
    }
  }
}
