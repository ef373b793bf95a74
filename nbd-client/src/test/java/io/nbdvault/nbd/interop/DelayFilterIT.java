package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static io.nbdvault.nbd.interop.Export.assertFails;
import static io.nbdvault.nbd.interop.Export.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A slow server: what is quick overtakes what is not, and waits end. */
@Timeout(180)
final class DelayFilterIT {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void completesQuickCommandsBeforeSlowOnesSentEarlier(int connections) throws Exception {
    ConcurrentLinkedQueue<String> order = new ConcurrentLinkedQueue<>();
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "--filter=delay", "memory", "8M", "rdelay=2", "-t", "16");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(connections))) {
      List<CompletableFuture<?>> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        all.add(
            client
                .read(4096L * i, ByteBuffer.allocate(4096))
                .whenComplete((done, failure) -> order.add("slow")));
      }
      for (int i = 0; i < 4; i++) {
        all.add(
            client
                .write(1 << 20, ByteBuffer.allocate(4096))
                .whenComplete((done, failure) -> order.add("quick")));
        all.add(client.blockStatus(0, 8 << 20).whenComplete((done, failure) -> order.add("quick")));
      }
      for (CompletableFuture<?> one : all) {
        await(one);
      }
    }
    assertThat(order).hasSize(16).startsWith("quick", "quick", "quick", "quick");
    assertThat(new ArrayList<>(order).subList(8, 16)).containsOnly("slow");
  }

  /**
   * 64 reads of a second each: two seconds if the connections' 48 places are used, 22 if each
   * connection reads one after the other, and a minute if only one does.
   */
  @Test
  void waitsForSlowReadsTogether() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "--filter=delay", "pattern", "16M", "rdelay=1", "-t", "16");
        ExternalServer quick = ExternalServer.nbdkit(dir, "pattern", "16M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(3))) {
      long start = System.nanoTime();
      String digest = Export.sha256(client);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(15));
      assertThat(digest).isEqualTo(Reference.sha256(quick.uri()));
    }
  }

  @Test
  void givesUpARequestAtItsDeadline() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "--filter=delay", "memory", "8M", "rdelay=100");
        NbdClient client =
            NbdClient.open(server.uri(), OPTIONS.withRequestTimeout(Duration.ofMillis(300)))) {
      assertFails(client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdDisconnectedException.class)
          .hasMessageContaining("no reply within PT0.3S");
      assertFails(client.flush()).isInstanceOf(NbdDisconnectedException.class);
    }
  }

  @Test
  void failsEverythingWhenTheServerDies() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "--filter=delay", "memory", "8M", "rdelay=100");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      List<CompletableFuture<Void>> reads = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        reads.add(client.read(4096L * i, ByteBuffer.allocate(4096)));
      }
      server.kill();
      for (CompletableFuture<Void> read : reads) {
        assertFails(read).isInstanceOf(NbdDisconnectedException.class);
      }
      assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS))
          .isInstanceOfAny(NbdConnectException.class, NbdDisconnectedException.class);
    }
  }
}
