package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static io.nbdvault.nbd.interop.Export.assertFails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.BlockStatusFlag;
import io.nbdvault.nbd.client.BlockingNbdClient;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.WriteFlag;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What arrives at the server, as nbdkit's log filter writes it down. */
@Timeout(180)
final class LoggedCommandsIT {
  private static final Pattern REQUEST =
      Pattern.compile("connection=\\d+ (\\w+) id=\\d+ ?(.*?) ?\\.\\.\\.$", Pattern.MULTILINE);

  @TempDir Path dir;

  /** One line for each request, such as {@code Write offset=0x0 count=0x200 fua=1}. */
  private List<String> logged() throws IOException {
    return REQUEST
        .matcher(Files.readString(dir.resolve("log")))
        .results()
        .map((MatchResult line) -> (line.group(1) + " " + line.group(2)).strip())
        .toList();
  }

  private ExternalServer server(String... args) throws IOException {
    String[] all = Arrays.copyOf(args, args.length + 1);
    all[args.length] = "logfile=" + dir.resolve("log");
    return ExternalServer.nbdkit(dir, all);
  }

  @Test
  void sendsEveryCommandWithItsFlags() throws Exception {
    try (ExternalServer server = server("--filter=log", "memory", "16M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.withConnections(1))) {
      BlockingNbdClient blocking = client.blocking();
      blocking.write(0x1000, ByteBuffer.allocate(0x200));
      blocking.write(0x2000, ByteBuffer.allocate(0x200), WriteFlag.FUA);
      blocking.writeZeroes(0x3000, 0x400);
      blocking.writeZeroes(0x4000, 0x400, WriteFlag.FUA);
      blocking.writeZeroes(0x5000, 0x400, WriteFlag.NO_HOLE);
      blocking.writeZeroes(0x6000, 0x400, WriteFlag.FAST_ZERO);
      blocking.writeZeroes(0x7000, 0x400, WriteFlag.NO_HOLE, WriteFlag.FUA, WriteFlag.FAST_ZERO);
      blocking.trim(0x8000, 0x600);
      blocking.cache(0x9000, 0x700);
      blocking.flush();
      blocking.blockStatus(0xa000, 0x800);
      blocking.blockStatus(0xa000, 0x800, BlockStatusFlag.REQ_ONE);
      blocking.read(0xb000, 0x900);
      assertThat(logged())
          .containsExactly(
              "Write offset=0x1000 count=0x200 fua=0",
              "Write offset=0x2000 count=0x200 fua=1",
              "Zero offset=0x3000 count=0x400 trim=1 fua=0 fast=0",
              "Zero offset=0x4000 count=0x400 trim=1 fua=1 fast=0",
              "Zero offset=0x5000 count=0x400 trim=0 fua=0 fast=0",
              "Zero offset=0x6000 count=0x400 trim=1 fua=0 fast=1",
              "Zero offset=0x7000 count=0x400 trim=0 fua=1 fast=1",
              "Trim offset=0x8000 count=0x600 fua=0",
              "Cache offset=0x9000 count=0x700",
              "Flush",
              "Extents offset=0xa000 count=0x800 req_one=0",
              "Extents offset=0xa000 count=0x800 req_one=1",
              "Read offset=0xb000 count=0x900");
    }
  }

  @Test
  void splitsWhatIsLongerThanARequestMayBe() throws Exception {
    try (ExternalServer server =
            server(
                "--filter=blocksize-policy",
                "--filter=log",
                "memory",
                "8G",
                "blocksize-maximum=1M",
                "blocksize-error-policy=error");
        NbdClient client =
            NbdClient.open(
                server.uri(), OPTIONS.withConnections(1).withRequestsInFlightMaxPerConnection(1))) {
      BlockingNbdClient blocking = client.blocking();
      blocking.write(0, ByteBuffer.allocate((2 << 20) + 1));
      blocking.writeZeroes(1L << 30, 5L << 29);
      blocking.trim(0, (1L << 30) + 7);
      assertThat(logged())
          .containsExactly(
              "Write offset=0x0 count=0x100000 fua=0",
              "Write offset=0x100000 count=0x100000 fua=0",
              "Write offset=0x200000 count=0x1 fua=0",
              "Zero offset=0x40000000 count=0x40000000 trim=1 fua=0 fast=0",
              "Zero offset=0x80000000 count=0x40000000 trim=1 fua=0 fast=0",
              "Zero offset=0xc0000000 count=0x20000000 trim=1 fua=0 fast=0",
              "Trim offset=0x0 count=0x40000000 fua=0",
              "Trim offset=0x40000000 count=0x7 fua=0");
    }
  }

  @Test
  void leavesTheContentThatTheCommandsSay() throws Exception {
    try (ExternalServer server = server("--filter=log", "memory", "16M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BlockingNbdClient blocking = client.blocking();
      byte[] model = new byte[16 << 20];
      Arrays.fill(model, 1 << 20, 9 << 20, (byte) 0x77);
      blocking.write(1 << 20, ByteBuffer.wrap(model, 1 << 20, 8 << 20), WriteFlag.FUA);
      int offset = (3 << 20) + 513;
      for (WriteFlag flag : WriteFlag.values()) {
        blocking.writeZeroes(offset, 12_345, flag);
        Arrays.fill(model, offset, offset + 12_345, (byte) 0);
        offset += 1 << 20;
      }
      blocking.flush();
      Path copy = dir.resolve("copy");
      Commands.run("nbdcopy", server.uri().toString(), copy.toString());
      assertThat(Files.readAllBytes(copy)).isEqualTo(model);
      // This plugin reads zeroes where it was trimmed.
      blocking.trim(0, model.length);
      assertThat(blocking.read(0, model.length)).isEqualTo(ByteBuffer.allocate(model.length));
    }
  }

  @Test
  void doesNotSendWhatIsNotOffered() throws Exception {
    try (ExternalServer server =
            server(
                "--filter=nozero",
                "--filter=fua",
                "--filter=nocache",
                "--filter=noextents",
                "--filter=log",
                "memory",
                "1M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertNotOffered(() -> client.blocking().writeZeroes(0, 512));
      assertNotOffered(() -> client.blocking().write(0, ByteBuffer.allocate(9), WriteFlag.FUA));
      assertNotOffered(() -> client.blocking().cache(0, 512));
      assertThat(logged()).isEmpty();
      // Without extents, nbdkit says that all is data.
      assertThat(Export.map(client, "base:allocation")).containsExactly(new Range(0, 1 << 20, 0));
    }
  }

  @Test
  void flushesWhereAServerEmulatesFua() throws Exception {
    try (ExternalServer server =
            server("--filter=fua", "--filter=log", "memory", "1M", "fuamode=emulate");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      client.blocking().write(0, ByteBuffer.allocate(512), WriteFlag.FUA);
      assertThat(logged()).containsExactly("Write offset=0x0 count=0x200 fua=0", "Flush");
    }
  }

  @Test
  void deliversThatZeroingWouldNotBeFast() throws Exception {
    try (ExternalServer server =
            server(
                "--filter=nozero",
                "--filter=log",
                "memory",
                "1M",
                "zeromode=plugin",
                "fastzeromode=slow");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().canFastZero()).isTrue();
      assertFails(client.writeZeroes(0, 4096, WriteFlag.FAST_ZERO))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.ENOTSUP));
      client.blocking().writeZeroes(0, 4096);
      assertThat(logged()).containsExactly("Zero offset=0x0 count=0x1000 trim=1 fua=0 fast=0");
    }
  }

  private interface Call {
    void run() throws NbdException;
  }

  private static void assertNotOffered(Call call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(NbdServerException.class)
        .hasMessageContaining("the server does not offer it");
  }
}
