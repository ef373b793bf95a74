package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static io.nbdvault.nbd.interop.Export.assertFails;
import static io.nbdvault.nbd.interop.Export.await;
import static io.nbdvault.nbd.interop.Reference.qemuImg;
import static io.nbdvault.nbd.interop.Reference.qemuIo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.BlockStatusFlag;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.client.ReadFlag;
import io.nbdvault.nbd.client.WriteFlag;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against qemu-nbd on a qcow2 image with a backing file and a dirty bitmap. */
@Timeout(180)
final class QemuNbdIT {
  private static final String BITMAP = BaseAllocation.dirtyBitmapContext("b0");

  @TempDir Path dir;

  private Path disk;

  @BeforeEach
  void createDisk() throws Exception {
    Path base = dir.resolve("base.qcow2");
    disk = dir.resolve("disk.qcow2");
    qemuImg("create", "-q", "-f", "qcow2", base, "64M");
    qemuIo(base, "write -P 1 0 2M", "write -P 2 10M 64k", "write -z 20M 1M");
    qemuImg("create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", disk);
    qemuIo(disk, "write -P 3 1M 192k");
    qemuImg("bitmap", "--add", "-g", "64k", disk, "b0");
    qemuIo(disk, "write -P 4 30M 128k", "write -P 5 1M 64k", "write -z 10M 64k", "write 63M 1M");
  }

  @Test
  void readsDataAndAllContextsLikeTheReferenceTools() throws Exception {
    List<String> contexts =
        List.of(BaseAllocation.CONTEXT, BITMAP, BaseAllocation.QEMU_ALLOCATION_DEPTH);
    try (ExternalServer server =
            ExternalServer.qemuNbd(
                dir, "-r", "-e", "8", "-B", "b0", "-A", "-x", "vda", disk.toString());
        NbdClient client =
            NbdClient.open(server.uri(), OPTIONS.withConnections(2).withMetaContexts(contexts))) {
      assertThat(client.export().readOnly()).isTrue();
      assertThat(client.export().canMultiConn()).isTrue();
      assertThat(client.export().canDf()).isTrue();
      assertThat(client.export().metaContexts()).containsExactlyInAnyOrderElementsOf(contexts);
      String expected = Reference.sha256(server.uri());
      assertThat(Export.sha256(client)).isEqualTo(expected);
      assertThat(Export.sha256(client, ReadFlag.DF)).isEqualTo(expected);
      for (String context : contexts) {
        assertThat(Export.map(client, context))
            .as(context)
            .hasSizeGreaterThan(2)
            .isEqualTo(Reference.map(server.uri(), context));
      }
      assertThat(NbdClient.list(server.uri(), OPTIONS)).containsExactly("vda");
      assertThat(NbdClient.listMetaContexts(server.uri(), OPTIONS))
          .containsExactlyInAnyOrderElementsOf(contexts);
    }
  }

  @Test
  void answersOneExtentUnderReqOne() throws Exception {
    try (ExternalServer server = ExternalServer.qemuNbd(dir, "-r", disk.toString());
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BlockStatus status =
          await(client.blockStatus(0, client.export().sizeBytes(), BlockStatusFlag.REQ_ONE));
      assertThat(status.contexts().get(BaseAllocation.CONTEXT)).hasSize(1);
    }
  }

  @Test
  void worksWithFewerConnectionsThanWantedIfTheServerStopsAccepting() throws Exception {
    NbdClientOptions four =
        OPTIONS
            .withConnections(4)
            .withAssumeMultiConn(true)
            .withHandshakeTimeout(Duration.ofSeconds(2));
    try (ExternalServer server = ExternalServer.qemuNbd(dir, "-r", "-e", "2", disk.toString());
        NbdClient client = NbdClient.open(server.uri(), four)) {
      await(client.read(0, ByteBuffer.allocate(4096)));
    }
  }

  @Test
  void writesZeroesAndTrims() throws Exception {
    try (ExternalServer server =
            ExternalServer.qemuNbd(dir, "-e", "8", "--discard=unmap", disk.toString());
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      byte[] data = new byte[3 << 20];
      Arrays.fill(data, (byte) 9);
      await(client.write(5 << 20, ByteBuffer.wrap(data), WriteFlag.FUA));
      await(client.writeZeroes(6 << 20, 1 << 20, WriteFlag.NO_HOLE));
      await(client.trim(7 << 20, 1 << 20));
      await(client.cache(0, 1 << 20));
      await(client.flush());
      ByteBuffer destination = ByteBuffer.allocateDirect(data.length);
      await(client.read(5 << 20, destination));
      assertThat(destination.get((1 << 20) - 1)).isEqualTo((byte) 9);
      assertThat(destination.get(1 << 20)).isZero();
      assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(server.uri()));
    }
  }

  @Test
  void deliversThatAnExportIsUnknown() throws Exception {
    try (ExternalServer server = ExternalServer.qemuNbd(dir, "-r", "-x", "vda", disk.toString())) {
      assertThatThrownBy(() -> NbdClient.open(server.uri("vdb"), OPTIONS))
          .isInstanceOf(NbdServerException.class)
          .hasMessageContaining("GO of 'vdb': the server has no such export");
    }
  }

  @Test
  void refusesToWriteToAReadOnlyExport() throws Exception {
    try (ExternalServer server = ExternalServer.qemuNbd(dir, "-r", disk.toString());
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.writeZeroes(0, 65536, WriteFlag.FAST_ZERO))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EPERM));
    }
  }
}
