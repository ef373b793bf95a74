package io.nbdvault.nbd.bulk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** More places for requests than a client has for operations that wait. */
@Timeout(180)
final class ManyPlacesTest {
  private static final int FLAGS =
      NbdProtocol.FLAG_HAS_FLAGS | NbdProtocol.FLAG_READ_ONLY | NbdProtocol.FLAG_SEND_DF;

  /** Without extended headers, so that the script need not refuse them. */
  private static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults()
          .withExtendedHeaders(false)
          .withConnections(1)
          .withRequestTimeout(Duration.ofMinutes(2))
          .withProgressTimeout(Duration.ofMinutes(2));

  @TempDir Path dir;

  /** Counts what comes. */
  private static final class CountingSink implements ExtentSink {
    final AtomicLong bytes = new AtomicLong();

    @Override
    public void data(long offsetBytes, DataLease data) {
      bytes.addAndGet(data.buffer().remaining());
      data.close();
    }

    @Override
    public void zeroes(long offsetBytes, long lengthBytes, Lease lease) {
      bytes.addAndGet(lengthBytes);
      lease.close();
    }
  }

  private ScriptedServer serve(long sizeBytes, int maximumBlockBytes) throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          handshake(peer, sizeBytes, maximumBlockBytes);
          while (true) {
            ScriptedPeer.Request request = peer.readRequest();
            int length = (int) request.length();
            if (request.type() == Command.READ.code()) {
              peer.data(request.cookie(), true, request.offset(), length, 7);
            } else if (request.type() == Command.BLOCK_STATUS.code()) {
              peer.extents(request.cookie(), true, 1, length, 0);
            } else {
              return;
            }
          }
        });
  }

  private static void handshake(ScriptedPeer peer, long sizeBytes, int maximumBlockBytes)
      throws IOException {
    peer.greet();
    peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
    peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
    peer.context(1, "base:allocation");
    peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
    peer.expectOption(NbdProtocol.OPT_GO);
    peer.exportInfo(sizeBytes, FLAGS);
    if (maximumBlockBytes > 0) {
      peer.blockSizes(1, 4096, maximumBlockBytes);
    }
    peer.ack(NbdProtocol.OPT_GO);
  }

  private void readAll(long sizeBytes, int maximumBlockBytes, BulkOptions options)
      throws Exception {
    CountingSink sink = new CountingSink();
    try (ScriptedServer server = serve(sizeBytes, maximumBlockBytes);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ExtentReader.start(client, Selection.allocated(), options, sink)
          .future()
          .get(90, TimeUnit.SECONDS);
      assertThat(sink.bytes).hasValue(sizeBytes);
    }
  }

  @Test
  void smallRequestsInMuchBufferSpaceAreReadToTheEnd() throws Exception {
    readAll(32 << 20, 0, new BulkOptions(4096, 64L << 20, 256L << 20, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 4608})
  void serverWithATinyMaximumBlockIsReadToTheEnd(int maximumBlockBytes) throws Exception {
    readAll(4 << 20, maximumBlockBytes, BulkOptions.defaults());
  }

  @ParameterizedTest
  @ValueSource(ints = {4097, 5000, 8191})
  void requestsOfOddLengthsAreReadToTheEnd(int requestBytes) throws Exception {
    readAll(4 << 20, 0, BulkOptions.defaults().withRequestBytes(requestBytes));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bulkReadFailsIfTheClientTakesNoMoreOperations(boolean asksForStatus) throws Exception {
    Selection what = asksForStatus ? Selection.allocated() : Selection.everything();
    CountDownLatch sent = new CountDownLatch(OPTIONS.requestsInFlightMaxPerConnection());
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  handshake(peer, 1 << 20, 0);
                  while (sent.getCount() > 0) {
                    peer.readRequest();
                    sent.countDown();
                  }
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      List<CompletableFuture<?>> waiting = new ArrayList<>();
      fill(client, waiting);
      // Only when the connection is full, too, will nothing be taken from the queue any more.
      assertThat(sent.await(60, TimeUnit.SECONDS)).isTrue();
      fill(client, waiting);
      BulkRead read = ExtentReader.start(client, what, BulkOptions.defaults(), new CountingSink());
      assertThatThrownBy(() -> read.future().get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(IllegalStateException.class);
      assertThat(waiting).noneMatch(CompletableFuture::isDone);
    }
  }

  /** Reads until the client takes no more. */
  private static void fill(NbdClient client, List<CompletableFuture<?>> waiting) {
    assertThatThrownBy(
            () -> {
              while (true) {
                waiting.add(client.read(0, 512));
              }
            })
        .isInstanceOf(IllegalStateException.class);
  }
}
