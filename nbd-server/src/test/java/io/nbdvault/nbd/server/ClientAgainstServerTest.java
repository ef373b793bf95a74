package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.BlockingNbdClient;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.client.ReadFlag;
import io.nbdvault.nbd.client.WriteFlag;
import io.nbdvault.nbd.server.testkit.MemoryDisk;
import io.nbdvault.nbd.server.testkit.MemoryExports;
import io.nbdvault.nbd.server.testkit.ServerFixture;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our own client against our own server. */
@Timeout(120)
final class ClientAgainstServerTest {
  private static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults()
          .withMetaContexts(List.of(MemoryExports.ALLOCATION, MemoryExports.DIRTY));
  private static final int SIZE = (int) ServerFixture.SIZE_BYTES;

  private static byte[] array(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readsWhatIsThere(boolean isExtended) throws Exception {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("ClientAgainstServerTest -Dnbdvault.seed=" + seed);
    Random random = new Random(seed);
    try (ServerFixture fixture = ServerFixture.start();
        NbdClient client =
            NbdClient.open(fixture.uri("ro"), OPTIONS.withExtendedHeaders(isExtended))) {
      BlockingNbdClient blocking = client.blocking();
      assertThat(array(blocking.read(0, SIZE))).isEqualTo(fixture.disk().bytes(0, SIZE));
      assertThat(array(blocking.read(0, SIZE, ReadFlag.DF)))
          .isEqualTo(fixture.disk().bytes(0, SIZE));
      for (int i = 0; i < 300; i++) {
        int length = 1 + random.nextInt(200_000);
        int offset = random.nextInt(SIZE - length);
        ReadFlag[] flags = random.nextBoolean() ? new ReadFlag[] {ReadFlag.DF} : new ReadFlag[0];
        assertThat(array(blocking.read(offset, length, flags)))
            .isEqualTo(fixture.disk().bytes(offset, length));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void showsExtentsOfSeveralContexts(boolean isExtended) throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        NbdClient client =
            NbdClient.open(fixture.uri("ro"), OPTIONS.withExtendedHeaders(isExtended))) {
      var status = client.blocking().blockStatus(0, SIZE);
      assertThat(status.contexts().keySet())
          .containsExactlyInAnyOrder(MemoryExports.ALLOCATION, MemoryExports.DIRTY);
      List<Extent> allocation =
          Objects.requireNonNull(status.contexts().get(MemoryExports.ALLOCATION));
      long at = 0;
      for (Extent extent : allocation) {
        for (long end = at + extent.lengthBytes(); at < end; at += MemoryDisk.BLOCK_BYTES) {
          assertThat(fixture.disk().isAllocated(at / MemoryDisk.BLOCK_BYTES))
              .isEqualTo(extent.flags() == 0);
        }
      }
      assertThat(at).isEqualTo(SIZE);
      for (int i = 1; i < allocation.size(); i++) {
        assertThat(allocation.get(i).flags()).isNotEqualTo(allocation.get(i - 1).flags());
      }
    }
  }

  @Test
  void writesZeroesTrimsAndFlushes() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        NbdClient client = NbdClient.open(fixture.uri("rw"), OPTIONS)) {
      BlockingNbdClient blocking = client.blocking();
      byte[] data = new byte[3 << 20];
      new Random(5).nextBytes(data);
      blocking.write(12_345, ByteBuffer.wrap(data));
      assertThat(fixture.writable().bytes(12_345, data.length)).isEqualTo(data);
      assertThat(array(blocking.read(12_345, data.length))).isEqualTo(data);
      blocking.write(0, ByteBuffer.wrap(new byte[] {1}), WriteFlag.FUA);
      blocking.writeZeroes(0, 1 << 20);
      assertThat(fixture.writable().isAllocated(3)).isFalse();
      blocking.writeZeroes(0, 1 << 20, WriteFlag.NO_HOLE);
      assertThat(fixture.writable().isAllocated(3)).isTrue();
      blocking.trim(1 << 20, 1 << 20);
      assertThat(fixture.writable().isAllocated(300)).isFalse();
      blocking.cache(0, SIZE);
      blocking.flush();
      assertThat(fixture.exports().flushes()).isEqualTo(1);
    }
  }

  @Test
  void manyRequestsOverSeveralConnections() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        NbdClient client =
            NbdClient.open(
                fixture.uri("ro"),
                OPTIONS.withConnections(4).withRequestsInFlightMaxPerConnection(64))) {
      assertThat(fixture.server().connectionCount()).isEqualTo(4);
      List<CompletableFuture<ByteBuffer>> reads = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        reads.add(client.read((i * 65_536L) % SIZE, 65_536));
      }
      for (int i = 0; i < reads.size(); i++) {
        assertThat(array(reads.get(i).get()))
            .isEqualTo(fixture.disk().bytes((i * 65_536L) % SIZE, 65_536));
      }
      assertThat(fixture.server().bytesInFlight()).isZero();
    }
  }

  @Test
  void saysWhyARequestFailed() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        NbdClient client = NbdClient.open(fixture.uri("ro"), OPTIONS)) {
      fixture.exports().failReadsAt(offset -> offset == 4096);
      assertThatThrownBy(() -> client.blocking().read(0, 8192))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EIO))
          .hasMessageContaining("a bad block");
    }
  }

  @Test
  void listsExportsAndContexts() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      assertThat(NbdClient.list(fixture.uri(""), OPTIONS)).containsExactly("ro", "rw");
      assertThat(NbdClient.listMetaContexts(fixture.uri("rw"), OPTIONS))
          .containsExactly(MemoryExports.ALLOCATION, MemoryExports.DIRTY);
      assertThat(NbdClient.info(fixture.uri("ro"), OPTIONS).sizeBytes()).isEqualTo(SIZE);
      assertThatThrownBy(() -> NbdClient.open(fixture.uri("none"), OPTIONS))
          .hasMessageContaining("none");
    }
  }
}
