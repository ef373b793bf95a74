package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.server.testkit.RawClient;
import io.nbdvault.nbd.server.testkit.ServerFixture;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thousand clients that have entered an export and do nothing. */
@Timeout(120)
final class IdleConnectionsTest {
  private static final int CLIENTS = 1_000;
  private static final long BYTES_PER_CLIENT_MAX = 32 << 10;

  private static long usedBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  @Test
  void thousandIdleClientsTakeLittleMemory() throws Exception {
    List<RawClient> clients = new ArrayList<>();
    try (ServerFixture fixture = ServerFixture.start()) {
      clients.add(RawClient.entered(fixture.socket(), "ro", HeaderStyle.STRUCTURED));
      long before = usedBytes();
      for (int i = 1; i < CLIENTS; i++) {
        clients.add(RawClient.entered(fixture.socket(), "ro", HeaderStyle.STRUCTURED));
      }
      assertThat(fixture.server().connectionCount()).isEqualTo(CLIENTS);
      long each = (usedBytes() - before) / CLIENTS;
      long direct = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
      System.out.println(
          "IdleConnectionsTest heap per client and its server's end=" + each + " direct=" + direct);
      assertThat(each).isLessThan(BYTES_PER_CLIENT_MAX);
      assertThat(direct).isLessThan(64 << 20);
      for (RawClient client : clients) {
        client.request(0, Command.READ, 1, 0, 512);
        assertThat(client.readChunk().isLast()).isTrue();
      }
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }
}
