package io.nbdvault.nbd.client;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.assertj.core.api.AbstractThrowableAssert;

/** What tests of the client have in common. */
final class ClientFixture {
  static final long SIZE_BYTES = 1 << 20;

  /** A writable export with everything on offer but several connections. */
  static final int FLAGS =
      NbdProtocol.FLAG_HAS_FLAGS
          | NbdProtocol.FLAG_SEND_FLUSH
          | NbdProtocol.FLAG_SEND_FUA
          | NbdProtocol.FLAG_SEND_TRIM
          | NbdProtocol.FLAG_SEND_WRITE_ZEROES
          | NbdProtocol.FLAG_SEND_DF
          | NbdProtocol.FLAG_SEND_CACHE;

  /** Without extended headers, so that scripts need not refuse them first. */
  static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults()
          .withExtendedHeaders(false)
          .withHandshakeTimeout(Duration.ofSeconds(10))
          .withRequestTimeout(Duration.ofSeconds(10));

  private ClientFixture() {}

  static void handshake(ScriptedPeer peer) throws IOException {
    peer.handshake(SIZE_BYTES, FLAGS, List.of("base:allocation"));
  }

  static <T> T await(CompletableFuture<T> future) throws NbdException {
    try {
      return future.get(30, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw new AssertionError(e);
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  /** For scripts, too, which must not throw what is checked. */
  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(50, TimeUnit.SECONDS)) {
        throw new AssertionError("still waiting for " + latch);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static AbstractThrowableAssert<?, ? extends Throwable> assertFails(CompletableFuture<?> future) {
    return assertThatThrownBy(() -> await(future));
  }
}
