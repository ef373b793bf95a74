package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static io.nbdvault.nbd.interop.Export.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.ReadFlag;
import io.nbdvault.nbd.client.ReadListener;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sparse data of nbdkit's, against nbdcopy and nbdinfo --map. */
@Timeout(180)
final class SparseDataIT {
  @TempDir Path dir;

  @Test
  void readsOneGibibyteAndItsMapOverSeveralConnections() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "sparse-random", "1G", "seed=1", "percent=30");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(4))) {
      assertThat(client.export().canMultiConn()).isTrue();
      assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(server.uri()));
      assertThat(Export.map(client, BaseAllocation.CONTEXT))
          .hasSizeGreaterThan(20)
          .isEqualTo(Reference.map(server.uri(), BaseAllocation.CONTEXT));
    }
  }

  @Test
  void readsTheSameOverOneConnectionAndWithoutFragments() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "sparse-random", "96M", "seed=2", "percent=50");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(1))) {
      String expected = Reference.sha256(server.uri());
      assertThat(Export.sha256(client)).isEqualTo(expected);
      assertThat(Export.sha256(client, ReadFlag.DF)).isEqualTo(expected);
    }
  }

  @Test
  void tellsAListenerTheSameBytes() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "sparse-random", "24M", "seed=3", "percent=40");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      ByteBuffer told = ByteBuffer.allocate(24 << 20);
      ReadListener listener =
          new ReadListener() {
            @Override
            public void data(long offsetBytes, ByteBuffer data) {
              told.put((int) offsetBytes, data, data.position(), data.remaining());
            }

            @Override
            public void hole(long offsetBytes, long lengthBytes) {
              told.put((int) offsetBytes, new byte[(int) lengthBytes]);
            }
          };
      await(client.read(0, 24L << 20, listener));
      ByteBuffer read = ByteBuffer.allocateDirect(24 << 20);
      client.blocking().read(0, read);
      assertThat(told).isEqualTo(read.flip());
      assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(server.uri()));
    }
  }

  @Test
  void readsTheSameOverTcp() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkitTcp(dir, "sparse-random", "64M", "seed=4", "percent=60");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(server.uri()));
    }
  }
}
