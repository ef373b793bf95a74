package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static io.nbdvault.nbd.interop.Export.assertFails;
import static io.nbdvault.nbd.interop.Export.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.StrictCheck;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server that refuses every request its block sizes do not allow. */
@Timeout(180)
final class BlockSizePolicyIT {
  @TempDir Path dir;

  private ExternalServer server(int minimum, int maximum, String... plugin) throws IOException {
    String[] args = Arrays.copyOf(plugin, plugin.length + 5);
    System.arraycopy(plugin, 0, args, 1, plugin.length);
    args[0] = "--filter=blocksize-policy";
    args[plugin.length + 1] = "blocksize-minimum=" + minimum;
    args[plugin.length + 2] = "blocksize-maximum=" + maximum;
    args[plugin.length + 3] = "blocksize-preferred=" + Math.max(minimum, 4096);
    args[plugin.length + 4] = "blocksize-error-policy=error";
    return ExternalServer.nbdkit(dir, args);
  }

  @ParameterizedTest
  @CsvSource({"512, 65536", "4096, 1048576", "65536, 33554432"})
  void randomOperationsAgreeWithAnArray(int minimum, int maximum) throws Exception {
    try (ExternalServer server = server(minimum, maximum, "memory", "4M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().minimumBlockBytes()).isEqualTo(minimum);
      assertThat(client.export().maximumBlockBytes()).isEqualTo(maximum);
      long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
      System.out.println("BlockSizePolicyIT nbdvault.test.seed=" + seed);
      Random random = new Random(seed);
      byte[] model = new byte[4 << 20];
      for (int i = 0; i < 200; i++) {
        operate(client, model, random);
      }
      client.blocking().flush();
      assertThat(client.blocking().read(0, model.length)).isEqualTo(ByteBuffer.wrap(model));
    }
  }

  private static void operate(NbdClient client, byte[] model, Random random) throws IOException {
    int block = client.export().minimumBlockBytes();
    int blocks = model.length / block;
    int offset = random.nextInt(blocks) * block;
    int length = Math.min((1 + random.nextInt(blocks / 2)) * block, model.length - offset);
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
        int shift = random.nextInt(block);
        int cut = random.nextInt(block - shift);
        ByteBuffer destination = ByteBuffer.allocate(length - shift - cut);
        await(client.read(offset + shift, destination));
        assertThat(destination.flip())
            .isEqualTo(ByteBuffer.wrap(model, offset + shift, length - shift - cut));
      }
    }
  }

  @Test
  void doesNotSendWhatTheServerWouldRefuse() throws Exception {
    try (ExternalServer server = server(4096, 1 << 20, "memory", "64M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThatThrownBy(() -> client.write(512, ByteBuffer.allocate(4096)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("range: 4096 bytes at 512 (expected: aligned to 4096)");
      assertThatThrownBy(() -> client.writeZeroes(4096, 100))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> client.trim(1, 4096)).isInstanceOf(IllegalArgumentException.class);
      // One over the maximum is two requests.
      client.blocking().write(0, ByteBuffer.allocate((1 << 20) + 4096));
    }
  }

  @Test
  void outlivesWhatTheServerRefuses() throws Exception {
    try (ExternalServer server = server(4096, 1 << 20, "memory", "64M");
        NbdClient client =
            NbdClient.open(
                server.uri(), OPTIONS.without(StrictCheck.ALIGNMENT, StrictCheck.PAYLOAD))) {
      for (int length : new int[] {100, (1 << 20) + 4096}) {
        assertFails(client.read(0, ByteBuffer.allocate(length)))
            .isInstanceOfSatisfying(
                NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EINVAL));
        assertFails(client.write(0, ByteBuffer.allocate(length)))
            .isInstanceOfSatisfying(
                NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EINVAL));
      }
      client.blocking().write(0, ByteBuffer.allocate(1 << 20));
    }
  }
}
