package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static io.nbdvault.nbd.interop.Export.assertFails;
import static io.nbdvault.nbd.interop.Export.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A server that fails now and then: each error hits its own request and no other. */
@Timeout(180)
final class ErrorFilterIT {
  private static final int READ_BYTES = 4096;

  @TempDir Path dir;

  /** Of nbdkit's pattern: each 8 bytes hold their own offset. */
  private static void assertPattern(ByteBuffer data, long offsetBytes) {
    for (int i = 0; i < data.remaining(); i += Long.BYTES) {
      assertThat(data.getLong(i)).isEqualTo(offsetBytes + i);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"--no-sr", "--mask-handshake=3"})
  void failsOnlyTheReadsThatTheServerFails(String style) throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                style,
                "--filter=error",
                "pattern",
                "8M",
                "error-pread=EIO",
                "error-pread-rate=10%");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      List<ByteBuffer> buffers = new ArrayList<>();
      List<CompletableFuture<Void>> reads = new ArrayList<>();
      for (int i = 0; i < 2000; i++) {
        ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
        buffers.add(buffer);
        reads.add(client.read((long) READ_BYTES * i, buffer));
      }
      int failed = 0;
      for (int i = 0; i < reads.size(); i++) {
        try {
          await(reads.get(i));
          assertPattern(buffers.get(i).flip(), (long) READ_BYTES * i);
        } catch (NbdServerException e) {
          assertThat(e.errno()).isEqualTo(NbdErrno.EIO);
          failed++;
        }
      }
      // 200 are to be expected, with a standard deviation of 13.
      assertThat(failed).isBetween(100, 300);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = NbdErrno.class,
      names = {"EPERM", "EIO", "ENOMEM", "EINVAL", "ENOSPC"})
  void deliversTheErrorThatTheServerChose(NbdErrno errno) throws Exception {
    Path trigger = Files.createFile(dir.resolve("trigger"));
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                "--filter=error",
                "pattern",
                "1M",
                "error=" + errno,
                "error-rate=100%",
                "error-file=" + trigger);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertRefused(client.read(0, ByteBuffer.allocate(READ_BYTES)), errno);
      Files.delete(trigger);
      assertPattern(client.blocking().read(8192, READ_BYTES), 8192);
    }
  }

  @Test
  void failsAReadOfManyRequestsIfOneOfThemFails() throws Exception {
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                "--filter=blocksize-policy",
                "--filter=error",
                "pattern",
                "32M",
                "blocksize-maximum=64K",
                "error-pread=ENOMEM",
                "error-pread-rate=10%");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      // 512 requests: one of 2 * 10^23 such reads would succeed.
      assertRefused(client.read(0, ByteBuffer.allocateDirect(32 << 20)), NbdErrno.ENOMEM);
      assertThat(client.export().maximumBlockBytes()).isEqualTo(64 << 10);
    }
  }

  @Test
  void readsThoughExtentsFail() throws Exception {
    Path trigger = Files.createFile(dir.resolve("trigger"));
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                "--filter=error",
                "memory",
                "1M",
                "error-extents=EIO",
                "error-extents-rate=100%",
                "error-extents-file=" + trigger);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertRefused(client.blockStatus(0, 1 << 20), NbdErrno.EIO);
      assertThat(client.blocking().read(4096, READ_BYTES))
          .isEqualTo(ByteBuffer.allocate(READ_BYTES));
      Files.delete(trigger);
      BlockStatus status = client.blocking().blockStatus(0, 1 << 20);
      assertThat(status.contexts()).hasSize(1);
    }
  }

  @Test
  void failsOnlyWhatTheServerHasNoSpaceFor() throws Exception {
    Path trigger = Files.createFile(dir.resolve("trigger"));
    try (ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                "--filter=error",
                "memory",
                "1M",
                "error-pwrite=ENOSPC",
                "error-pwrite-rate=100%",
                "error-pwrite-file=" + trigger,
                "error-zero=ENOSPC",
                "error-zero-rate=100%",
                "error-zero-file=" + trigger,
                "error-trim=EIO",
                "error-trim-rate=100%",
                "error-trim-file=" + trigger);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      byte[] data = {1, 2, 3, 4};
      assertRefused(client.write(0, ByteBuffer.wrap(data)), NbdErrno.ENOSPC);
      assertRefused(client.writeZeroes(0, 4096), NbdErrno.ENOSPC);
      assertRefused(client.trim(0, 4096), NbdErrno.EIO);
      client.blocking().flush();
      assertThat(client.blocking().read(0, 4)).isEqualTo(ByteBuffer.allocate(4));
      Files.delete(trigger);
      client.blocking().write(0, ByteBuffer.wrap(data));
      assertThat(client.blocking().read(0, 4)).isEqualTo(ByteBuffer.wrap(data));
    }
  }

  private static void assertRefused(CompletableFuture<?> future, NbdErrno errno) {
    assertFails(future)
        .isInstanceOfSatisfying(
            NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }
}
