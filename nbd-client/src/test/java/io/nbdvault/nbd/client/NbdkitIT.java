package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against nbdkit, with nbdcopy and nbdinfo as oracles. */
@Timeout(180)
final class NbdkitIT {
  @TempDir Path dir;

  @Test
  void readsSparseDataAndItsMapLikeTheReferenceTools() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "sparse-random", "192M", "seed=1", "percent=30");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(3))) {
      assertThat(client.export().canMultiConn()).isTrue();
      String expected = Export.referenceSha256(server.uri());
      assertThat(Export.sha256(client)).isEqualTo(expected);
      assertThat(Export.sha256(client, ReadFlag.DF)).isEqualTo(expected);
      assertThat(Export.map(client, BaseAllocation.CONTEXT))
          .hasSizeGreaterThan(5)
          .isEqualTo(Export.referenceMap(server.uri(), BaseAllocation.CONTEXT));
    }
  }

  @Test
  void readsFromServersWithoutStructuredReplies() throws Exception {
    for (String old : List.of("--no-sr", "--mask-handshake=0", "--mask-handshake=1")) {
      try (ExternalServer server =
              ExternalServer.nbdkit(dir, old, "sparse-random", "32M", "seed=2", "percent=50");
          NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
        assertThat(client.export().structuredReplies()).isEqualTo(old.endsWith("1"));
        assertThat(Export.sha256(client)).isEqualTo(Export.referenceSha256(server.uri()));
      }
    }
  }

  @Test
  void refusesOldstyle() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "-o", "memory", "1M")) {
      assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("oldstyle");
    }
  }

  @Test
  void speaksTcp() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkitTcp(dir, "sparse-random", "64M", "seed=3", "percent=60");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(Export.sha256(client)).isEqualTo(Export.referenceSha256(server.uri()));
    }
  }

  @Test
  void randomOperationsAgreeWithAnArray() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                "--filter=blocksize-policy",
                "memory",
                "4M",
                "blocksize-minimum=512",
                "blocksize-maximum=64K",
                "blocksize-error-policy=error");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().minimumBlockBytes()).isEqualTo(512);
      assertThat(client.export().maximumBlockBytes()).isEqualTo(64 << 10);
      long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
      System.out.println("NbdkitIT nbdvault.test.seed=" + seed);
      Random random = new Random(seed);
      byte[] model = new byte[4 << 20];
      for (int i = 0; i < 400; i++) {
        operate(client, model, random);
      }
      await(client.flush());
      ByteBuffer all = ByteBuffer.allocateDirect(model.length);
      await(client.read(0, all));
      assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(model));
    }
  }

  private static void operate(NbdClient client, byte[] model, Random random) throws NbdException {
    int offset = random.nextInt(model.length / 512) * 512;
    int length = Math.min(512 + random.nextInt(300) * 512, model.length - offset);
    switch (random.nextInt(3)) {
      case 0 -> {
        byte[] data = new byte[length];
        random.nextBytes(data);
        System.arraycopy(data, 0, model, offset, length);
        ByteBuffer source = ByteBuffer.wrap(data);
        await(client.write(offset, random.nextBoolean() ? source : source.asReadOnlyBuffer()));
      }
      case 1 -> {
        Arrays.fill(model, offset, offset + length, (byte) 0);
        await(client.writeZeroes(offset, length));
      }
      default -> {
        int shift = random.nextInt(512);
        ByteBuffer destination = ByteBuffer.allocate(length - shift);
        await(client.read(offset + shift, destination));
        assertThat(destination.flip())
            .isEqualTo(ByteBuffer.wrap(model, offset + shift, length - shift));
      }
    }
  }

  @Test
  void deliversServerErrorsAndGoesOn() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir, "--filter=error", "memory", "8M", "error-pread=EIO", "error-pread-rate=50%");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      int failed = 0;
      List<CompletableFuture<Void>> reads = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        reads.add(client.read(4096L * i, ByteBuffer.allocate(4096)));
      }
      for (CompletableFuture<Void> read : reads) {
        try {
          await(read);
        } catch (NbdServerException e) {
          assertThat(e.errno()).isEqualTo(NbdErrno.EIO);
          failed++;
        }
      }
      assertThat(failed).isBetween(100, 400);
    }
  }

  @Test
  void givesUpARequestAtItsDeadline() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "--filter=delay", "memory", "8M", "rdelay=5");
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
            ExternalServer.nbdkit(dir, "--filter=delay", "memory", "8M", "rdelay=20");
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

  @Test
  void listsExportsAndContextsAndTellsWithoutOpening() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "memory", "8M")) {
      assertThat(NbdClient.list(server.uri(), OPTIONS)).containsExactly("");
      assertThat(NbdClient.listMetaContexts(server.uri(), OPTIONS))
          .containsExactly(BaseAllocation.CONTEXT);
      assertThat(NbdClient.info(server.uri(), OPTIONS).sizeBytes()).isEqualTo(8 << 20);
    }
  }
}
