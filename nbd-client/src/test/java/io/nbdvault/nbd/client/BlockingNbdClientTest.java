package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.FLAGS;
import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class BlockingNbdClientTest {
  private static final int TRICKLED_BYTES = 500_000;

  @TempDir Path dir;
  private final Queue<Integer> commands = new ConcurrentLinkedQueue<>();

  /** Answers everything but CACHE, which it refuses. */
  private ScriptedServer serve() throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          peer.handshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
          while (true) {
            ScriptedPeer.Request r = peer.readRequest();
            commands.add(r.type());
            if (r.type() == Command.READ.code()) {
              peer.data(r.cookie(), true, r.offset(), (int) r.length(), 7);
            } else if (r.type() == Command.BLOCK_STATUS.code()) {
              peer.extents(r.cookie(), true, 1, (int) r.length(), 3);
            } else if (r.type() == Command.CACHE.code()) {
              peer.error(r.cookie(), true, 5, "no cache today");
            } else if (r.type() == Command.DISC.code()) {
              return;
            } else {
              peer.none(r.cookie());
            }
          }
        });
  }

  @Test
  void everyCommandReturnsWhenItIsDone() throws Exception {
    try (ScriptedServer server = serve();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BlockingNbdClient blocking = client.blocking();
      assertThat(blocking.read(1, 3)).isEqualTo(ByteBuffer.wrap(new byte[] {7, 7, 7}));
      ByteBuffer destination = ByteBuffer.allocateDirect(2);
      blocking.read(0, destination);
      assertThat(destination.flip()).isEqualTo(ByteBuffer.wrap(new byte[] {7, 7}));
      assertThat(blocking.blockStatus(0, 512).contexts().get("base:allocation"))
          .containsExactly(new Extent(512, 3));
      blocking.write(0, ByteBuffer.wrap(new byte[] {1}));
      blocking.writeZeroes(0, 512);
      blocking.trim(0, 512);
      blocking.flush();
      assertThatThrownBy(() -> blocking.cache(0, 512))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EIO));
    }
    assertThat(commands).startsWith(0, 0, 7, 1, 6, 4, 3, 5);
  }

  @Test
  void refusesToWaitForItselfOnAnEventLoop() throws Exception {
    try (ScriptedServer server = serve();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      CompletableFuture<Object> outcome =
          CompletableFuture.supplyAsync(
              () -> {
                assertThatThrownBy(() -> client.blocking().flush())
                    .isInstanceOf(IllegalStateException.class);
                assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS))
                    .isInstanceOf(IllegalStateException.class);
                return "refused";
              },
              client.ioExecutor());
      assertThat(await(outcome)).isEqualTo("refused");
      client.blocking().flush();
    }
  }

  @Test
  void interruptedReadWritesNoMoreIntoItsBufferOnceItHasReturned() throws Exception {
    for (int round = 0; round < 20; round++) {
      CountDownLatch arriving = new CountDownLatch(8);
      CountDownLatch gone = new CountDownLatch(1);
      try (ScriptedServer server = trickle(arriving, gone);
          NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(1))) {
        Thread reader = Thread.currentThread();
        CompletableFuture<Void> interruption =
            CompletableFuture.runAsync(
                () -> {
                  await(arriving);
                  reader.interrupt();
                });
        ByteBuffer destination = ByteBuffer.allocateDirect(TRICKLED_BYTES);
        assertThatThrownBy(() -> client.blocking().read(0, destination))
            .isInstanceOf(NbdDisconnectedException.class)
            .hasMessageContaining("interrupted");
        assertThat(Thread.interrupted()).isTrue();
        await(interruption);
        ByteBuffer ours = ByteBuffer.wrap(new byte[TRICKLED_BYTES]);
        Arrays.fill(ours.array(), (byte) 5);
        destination.clear().put(ours.duplicate()).clear();
        // Until the server can send nothing more, and what was received has been dealt with.
        await(gone);
        await(CompletableFuture.runAsync(() -> {}, client.ioExecutor()));
        assertThat(destination).isEqualTo(ours);
        assertThatThrownBy(() -> client.blocking().flush())
            .isInstanceOf(NbdDisconnectedException.class)
            .hasMessageContaining("closed");
      }
    }
  }

  /** Answers one read eight bytes at a time and never to the end. */
  private ScriptedServer trickle(CountDownLatch arriving, CountDownLatch gone) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          peer.handshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
          ScriptedPeer.Request r = peer.readRequest();
          try {
            peer.chunkHeader(
                r.cookie(), true, NbdProtocol.REPLY_TYPE_OFFSET_DATA, 8 + TRICKLED_BYTES);
            peer.send(o -> o.writeLong(r.offset()));
            for (int sent = 8; sent < TRICKLED_BYTES; sent += 8) {
              peer.send(o -> o.writeLong(-1));
              arriving.countDown();
            }
            peer.awaitClosed();
          } finally {
            gone.countDown();
          }
        });
  }
}
