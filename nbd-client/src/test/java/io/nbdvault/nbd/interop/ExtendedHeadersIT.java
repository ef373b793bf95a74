package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.BlockingNbdClient;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.ReadFlag;
import io.nbdvault.nbd.client.WriteFlag;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** 64-bit lengths, with the installed qemu-nbd if it has them (since 8.2), and without them. */
@Timeout(180)
final class ExtendedHeadersIT {
  private static final long SIZE = 8L << 40;
  private static final long FAR = 5L << 40;
  private static final long COMPACT_BYTES_MAX = 1L << 32;

  @TempDir Path dir;

  private Path disk;

  @BeforeEach
  void createDisk() throws Exception {
    disk = dir.resolve("disk.qcow2");
    Reference.qemuImg("create", "-q", "-f", "qcow2", disk, SIZE);
  }

  private ExternalServer server() throws Exception {
    return ExternalServer.qemuNbd(
        dir, "-f", "qcow2", "-e", "8", "-A", "--discard=unmap", disk.toString());
  }

  private static Extent onlyExtent(BlockStatus status, String context) {
    List<Extent> extents = Objects.requireNonNull(status.contexts().get(context));
    assertThat(extents).hasSize(1);
    return extents.get(0);
  }

  @Test
  void areNegotiatedExactlyIfTheServerHasThem() throws Exception {
    try (ExternalServer server = server();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().headerStyle())
          .isEqualTo(
              Reference.qemuHasExtendedHeaders() ? HeaderStyle.EXTENDED : HeaderStyle.STRUCTURED);
    }
  }

  @Test
  void describeEightTebibytesInOneAnswer() throws Exception {
    List<String> contexts = List.of(BaseAllocation.CONTEXT, BaseAllocation.QEMU_ALLOCATION_DEPTH);
    try (ExternalServer server = server();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withMetaContexts(contexts))) {
      BlockStatus status = client.blocking().blockStatus(0, SIZE);
      for (String context : contexts) {
        Extent extent = onlyExtent(status, context);
        if (client.export().headerStyle() == HeaderStyle.EXTENDED) {
          assertThat(extent.lengthBytes()).isEqualTo(SIZE);
        } else {
          assertThat(extent.lengthBytes()).isBetween(1L, COMPACT_BYTES_MAX);
        }
      }
    }
  }

  @Test
  void changeAndReadWhatIsFarAway() throws Exception {
    for (boolean extended : new boolean[] {true, false}) {
      try (ExternalServer server = server();
          NbdClient client = NbdClient.open(server.uri(), OPTIONS.withExtendedHeaders(extended))) {
        if (!extended) {
          assertThat(client.export().headerStyle()).isEqualTo(HeaderStyle.STRUCTURED);
        }
        changeAndRead(client.blocking());
        assertThat(Export.map(client, BaseAllocation.CONTEXT))
            .hasSizeGreaterThan(5)
            .isEqualTo(Reference.map(server.uri(), BaseAllocation.CONTEXT));
      }
    }
  }

  private static void changeAndRead(BlockingNbdClient client) throws Exception {
    byte[] data = new byte[3 << 20];
    Arrays.fill(data, (byte) 0x3c);
    client.write(FAR, ByteBuffer.wrap(data), WriteFlag.FUA);
    client.write(FAR + (6L << 30), ByteBuffer.wrap(data));
    client.write(SIZE - data.length, ByteBuffer.wrap(data));
    // More than 4 GiB, from within the first run of data and up to the second.
    client.writeZeroes(FAR + (1 << 20), (6L << 30) - (1 << 20));
    client.trim(1L << 40, 9L << 30);
    client.flush();
    assertThat(client.read(FAR, 2 << 20, ReadFlag.DF))
        .isEqualTo(ByteBuffer.allocate(2 << 20).put(data, 0, 1 << 20).clear());
    assertThat(client.read(FAR + (6L << 30) - 9, data.length + 9))
        .isEqualTo(ByteBuffer.allocate(data.length + 9).put(9, data));
    assertThat(client.read(SIZE - data.length, data.length)).isEqualTo(ByteBuffer.wrap(data));
  }
}
