package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Callers' code runs on the client's I/O threads: what it does there must cost only its caller. */
@Timeout(120)
final class CallerCodeTest {
  private static final int BYTES = 512;
  private static final NbdClientOptions ONE_CONNECTION = OPTIONS.withConnections(1);

  @TempDir Path dir;

  /** Answers every read. */
  private ScriptedServer serve() throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          ClientFixture.handshake(peer);
          while (true) {
            ScriptedPeer.Request request = peer.readRequest();
            if (request.type() == Command.DISC.code()) {
              return;
            }
            peer.data(request.cookie(), true, request.offset(), (int) request.length(), 7);
          }
        });
  }

  @Test
  void callerMayHoldTheMonitorOfItsSupplierWhileItWaits() throws Exception {
    ByteBuffer destination = ByteBuffer.allocate(BYTES);
    Supplier<ByteBuffer> supplier = () -> destination;
    try (ScriptedServer server = serve();
        NbdClient client = NbdClient.open(server.uri(), ONE_CONNECTION)) {
      synchronized (supplier) {
        await(client.read(0, BYTES, supplier));
      }
      assertThat(destination.flip().get(0)).isEqualTo((byte) 7);
    }
  }

  @Test
  void errorOfASupplierFailsItsOwnReadOnly() throws Exception {
    Error error = new OutOfMemoryError("Cannot reserve 1 bytes of direct buffer memory");
    try (ScriptedServer server = serve();
        NbdClient client = NbdClient.open(server.uri(), ONE_CONNECTION)) {
      CompletableFuture<Void> failing =
          client.read(
              0,
              BYTES,
              () -> {
                throw error;
              });
      CompletableFuture<ByteBuffer> other = client.read(BYTES, BYTES);
      assertFailsWith(failing, error);
      assertThat(await(other).get(0)).isEqualTo((byte) 7);
      assertThat(await(client.read(0, BYTES)).get(0)).isEqualTo((byte) 7);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void errorOfAListenerFailsItsOwnReadOnly() throws Exception {
    Error error = new StackOverflowError();
    ReadListener listener =
        new ReadListener() {
          @Override
          public void data(long offsetBytes, ByteBuffer data) {
            throw error;
          }

          @Override
          public void hole(long offsetBytes, long lengthBytes) {
            throw error;
          }
        };
    try (ScriptedServer server = serve();
        NbdClient client = NbdClient.open(server.uri(), ONE_CONNECTION)) {
      CompletableFuture<Void> failing = client.read(0, BYTES, listener);
      CompletableFuture<ByteBuffer> other = client.read(BYTES, BYTES);
      assertFailsWith(failing, error);
      assertThat(await(other).get(0)).isEqualTo((byte) 7);
      assertThat(await(client.read(0, BYTES)).get(0)).isEqualTo((byte) 7);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  private static void assertFailsWith(CompletableFuture<?> future, Error error) {
    assertThatThrownBy(() -> future.get(30, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isSameAs(error);
  }

  /** Thirteen of sixteen places are taken by reads that nobody answers. */
  @Test
  void readsAskedForOnAnIoThreadAreSentThoughFewPlacesAreFree() throws Exception {
    int places = 16;
    int slow = 13;
    CountDownLatch slowOnesSent = new CountDownLatch(slow);
    CountDownLatch chained = new CountDownLatch(1);
    NbdClientOptions options =
        ONE_CONNECTION
            .withRequestsInFlightMaxPerConnection(places)
            .withRequestTimeout(Duration.ofSeconds(100))
            .withProgressTimeout(Duration.ofSeconds(100));
    try (ScriptedServer server = leavesUnanswered((long) slow * BYTES, slowOnesSent, chained);
        NbdClient client = NbdClient.open(server.uri(), options)) {
      List<CompletableFuture<ByteBuffer>> unanswered = new ArrayList<>();
      for (int i = 0; i < slow; i++) {
        unanswered.add(client.read((long) i * BYTES, BYTES));
      }
      await(slowOnesSent);
      CompletableFuture<ByteBuffer> last = client.read(20L * BYTES, BYTES);
      for (int i = 21; i < 30; i++) {
        long offset = (long) i * BYTES;
        last = last.thenCompose(done -> client.read(offset, BYTES));
      }
      // Only now may the first be answered, or the rest would be asked for on this thread.
      chained.countDown();
      assertThat(await(last).get(0)).isEqualTo((byte) 7);
      assertThat(unanswered).noneMatch(CompletableFuture::isDone);
    }
  }

  private ScriptedServer leavesUnanswered(
      long belowOffset, CountDownLatch seen, CountDownLatch mayAnswer) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          ClientFixture.handshake(peer);
          while (true) {
            ScriptedPeer.Request request = peer.readRequest();
            if (request.type() == Command.DISC.code()) {
              return;
            }
            if (request.offset() < belowOffset) {
              seen.countDown();
              continue;
            }
            await(mayAnswer);
            peer.data(request.cookie(), true, request.offset(), (int) request.length(), 7);
          }
        });
  }
}
