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
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class NbdClientTest {
  @TempDir Path dir;

  private final Queue<ScriptedPeer.Request> requests = new ConcurrentLinkedQueue<>();

  /** A server that answers every request well, after a script's own handshake. */
  private ScriptedServer serve(ScriptedServer.Script handshake) throws Exception {
    return ScriptedServer.start(
        dir,
        peer -> {
          handshake.serve(peer);
          while (true) {
            ScriptedPeer.Request request = peer.readRequest();
            requests.add(request);
            switch (request.type()) {
              case 0 ->
                  peer.data(request.cookie(), true, request.offset(), (int) request.length(), 7);
              case 2 -> {
                return;
              }
              case 7 -> peer.extents(request.cookie(), true, 1, (int) request.length(), 3);
              default -> peer.none(request.cookie());
            }
          }
        });
  }

  private static void handshakeWithBlockSizes(ScriptedPeer peer) throws IOException {
    peer.greet();
    peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
    peer.context(1, "base:allocation");
    peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
    peer.expectOption(NbdProtocol.OPT_GO);
    peer.blockSizes(512, 4096, 8192);
    peer.exportInfo(SIZE_BYTES, FLAGS);
    peer.ack(NbdProtocol.OPT_GO);
  }

  @Test
  void widensAndSplitsReadsByTheServersBlockSizes() throws Exception {
    try (ScriptedServer server = serve(NbdClientTest::handshakeWithBlockSizes);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ByteBuffer destination = ByteBuffer.allocate(20_000);
      destination.position(1).limit(1 + 16_384);
      await(client.read(1000, destination));
      assertThat(destination.position()).isEqualTo(1 + 16_384);
      assertThat(destination.array()[0]).isZero();
      assertThat(destination.array()[1]).isEqualTo((byte) 7);
      assertThat(destination.array()[16_384]).isEqualTo((byte) 7);
      assertThat(destination.array()[16_385]).isZero();
      assertThat(requests)
          .extracting(ScriptedPeer.Request::offset)
          .containsExactlyInAnyOrder(512L, 8704L, 16_896L);
      assertThat(requests)
          .extracting(ScriptedPeer.Request::length)
          .containsExactlyInAnyOrder(8192L, 8192L, 512L);
    }
  }

  @Test
  void cutsWidenedBlockStatusBackToWhatWasAskedFor() throws Exception {
    try (ScriptedServer server = serve(NbdClientTest::handshakeWithBlockSizes);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BlockStatus status = await(client.blockStatus(1000, 100));
      assertThat(status.offsetBytes()).isEqualTo(1000);
      assertThat(status.contexts()).containsEntry("base:allocation", List.of(new Extent(100, 3)));
      assertThat(requests.element().offset()).isEqualTo(512);
      assertThat(requests.element().length()).isEqualTo(1024);
    }
  }

  @Test
  void refusesExtentsThatAreNotWholeBlocks() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  handshakeWithBlockSizes(peer);
                  peer.extents(peer.readRequest().cookie(), true, 1, 513, 0);
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.blockStatus(0, 4096))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("513 bytes, not a multiple of 512");
    }
  }

  @Test
  void refusesUnalignedWrites() throws Exception {
    try (ScriptedServer server = serve(NbdClientTest::handshakeWithBlockSizes);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThatThrownBy(() -> client.write(1, ByteBuffer.allocate(512)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> client.read(0, ByteBuffer.allocate(1).asReadOnlyBuffer()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> client.write(0, ByteBuffer.allocate(512), WriteFlag.NO_HOLE))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void sendsCommandsWithTheirFlags() throws Exception {
    try (ScriptedServer server = serve(ClientFixture::handshake);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ByteBuffer source = ByteBuffer.wrap("xabcx".getBytes(StandardCharsets.UTF_8));
      source.position(1).limit(4);
      await(client.write(9, source, WriteFlag.FUA));
      assertThat(source.hasRemaining()).isFalse();
      assertThat(requests.element().payload())
          .isEqualTo(ByteBuffer.wrap(new byte[] {'a', 'b', 'c'}));
      await(client.writeZeroes(0, 4096, WriteFlag.NO_HOLE, WriteFlag.FUA));
      await(client.trim(0, 4096));
      await(client.cache(0, 4096));
      await(client.flush());
      await(client.read(0, ByteBuffer.allocateDirect(16), ReadFlag.DF));
      await(client.blockStatus(0, 4096, BlockStatusFlag.REQ_ONE));
      assertThat(requests)
          .extracting(ScriptedPeer.Request::type)
          .containsExactly(1, 6, 4, 5, 3, 0, 7);
      assertThat(requests)
          .extracting(ScriptedPeer.Request::flags)
          .containsExactly(1, 3, 0, 0, 0, 4, 8);
    }
  }

  @Test
  void doesNotSendWhatTheServerDoesNotOffer() throws Exception {
    int readOnly = NbdProtocol.FLAG_HAS_FLAGS | NbdProtocol.FLAG_READ_ONLY;
    try (ScriptedServer server = serve(peer -> peer.handshake(SIZE_BYTES, readOnly, List.of()));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertErrno(client.write(0, ByteBuffer.allocate(1)), NbdErrno.EPERM);
      assertErrno(client.writeZeroes(0, 1), NbdErrno.EPERM);
      assertErrno(client.trim(0, 1), NbdErrno.EPERM);
      assertErrno(client.cache(0, 1), NbdErrno.ENOTSUP);
      assertErrno(client.flush(), NbdErrno.ENOTSUP);
      assertErrno(client.blockStatus(0, 1), NbdErrno.ENOTSUP);
      await(client.read(0, ByteBuffer.allocate(1), ReadFlag.DF));
      assertThat(requests.element().flags()).isZero();
    }
  }

  private static void assertErrno(CompletableFuture<?> future, NbdErrno errno) {
    assertFails(future)
        .isInstanceOfSatisfying(
            NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void asksAgainWithoutDfWhenOneChunkIsNotEnough() throws Exception {
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  ClientFixture.handshake(peer);
                  ScriptedPeer.Request first = peer.readRequest();
                  requests.add(first);
                  peer.error(first.cookie(), true, NbdErrno.EOVERFLOW.code(), "");
                  ScriptedPeer.Request second = peer.readRequest();
                  requests.add(second);
                  peer.hole(second.cookie(), false, 2048, 2048);
                  peer.data(second.cookie(), true, 0, 2048, 5);
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ByteBuffer destination = ByteBuffer.allocate(4096);
      await(client.read(0, destination, ReadFlag.DF));
      assertThat(destination.get(2047)).isEqualTo((byte) 5);
      assertThat(destination.get(2048)).isZero();
      assertThat(requests).extracting(ScriptedPeer.Request::flags).containsExactly(4, 0);
    }
  }

  @Test
  void keepsAtMostTheAllowedRequestsInFlightAndRefusesAnOverfullQueue() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  ClientFixture.handshake(peer);
                  for (int i = 0; i < 4; i++) {
                    requests.add(peer.readRequest());
                  }
                  awaitQuietly(release);
                  requests.forEach(request -> sendNone(peer, request));
                  while (true) {
                    ScriptedPeer.Request request = peer.readRequest();
                    sendNone(peer, request);
                  }
                });
        NbdClient client =
            NbdClient.open(server.uri(), OPTIONS.withRequestsInFlightMaxPerConnection(4))) {
      List<CompletableFuture<Void>> flushes = new ArrayList<>();
      while (requests.size() < 4) {
        flushes.add(client.flush());
        Thread.sleep(1);
      }
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 4200; i++) {
                  flushes.add(client.flush());
                }
              })
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("4096");
      release.countDown();
      for (CompletableFuture<Void> flush : flushes) {
        await(flush);
      }
      assertThat(flushes).hasSizeGreaterThanOrEqualTo(4096);
    }
  }

  private static void sendNone(ScriptedPeer peer, ScriptedPeer.Request request) {
    try {
      peer.none(request.cookie());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void saysDiscWhenClosedIdle() throws Exception {
    try (ScriptedServer server = serve(ClientFixture::handshake)) {
      NbdClient client = NbdClient.open(server.uri(), OPTIONS);
      await(client.flush());
      client.close();
      assertThat(requests).extracting(ScriptedPeer.Request::type).containsExactly(3, 2);
    }
  }

  @Test
  void usesSeveralConnectionsOnlyIfAllowed() throws Exception {
    NbdClientOptions four = OPTIONS.withConnections(4);
    try (ScriptedServer server = serve(ClientFixture::handshake)) {
      NbdClient.open(server.uri(), four).close();
      assertThat(server.connections()).isEqualTo(1);
      NbdClient.open(server.uri(), four.withAssumeMultiConn(true)).close();
      assertThat(server.connections()).isEqualTo(5);
    }
    int multi = FLAGS | NbdProtocol.FLAG_CAN_MULTI_CONN;
    try (ScriptedServer server =
            serve(peer -> peer.handshake(SIZE_BYTES, multi, List.of("base:allocation")));
        NbdClient client = NbdClient.open(server.uri(), four)) {
      assertThat(server.connections()).isEqualTo(4);
      List<CompletableFuture<Void>> flushes = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        flushes.add(client.flush());
      }
      for (CompletableFuture<Void> flush : flushes) {
        await(flush);
      }
    }
  }

  @Test
  void refusesToOpenOnAnIoThreadButClosesThereWithoutWaiting() throws Exception {
    try (ScriptedServer server = serve(ClientFixture::handshake)) {
      NbdClient client = NbdClient.open(server.uri(), OPTIONS);
      EventLoop loop = EventLoops.shared().next();
      assertThatThrownBy(() -> loop.submit(() -> NbdClient.open(server.uri(), OPTIONS)).get())
          .hasCauseInstanceOf(IllegalStateException.class);
      loop.submit(client::close).get();
      assertFails(client.flush()).isInstanceOf(NbdDisconnectedException.class);
    }
  }
}
