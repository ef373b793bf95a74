package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.server.testkit.ServerFixture;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Everybody else's clients against our server. */
@Timeout(180)
final class ToolsIT {
  private static final int SIZE = (int) ServerFixture.SIZE_BYTES;

  @TempDir Path dir;

  private static String uri(ServerFixture fixture, String name) {
    return "nbd+unix:///" + name + "?socket=" + fixture.socket();
  }

  private Path raw(ServerFixture fixture) throws Exception {
    return Files.write(dir.resolve("disk.raw"), fixture.disk().bytes(0, SIZE));
  }

  @Test
  void nbdinfoListsBothExports() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      String json = Commands.run("nbdinfo", "--list", "--json", uri(fixture, ""));
      assertThat(json)
          .contains("\"protocol\": \"newstyle-fixed\"")
          .contains("\"export-name\": \"ro\"")
          .contains("\"export-name\": \"rw\"")
          .contains("\"description\": \"a disk in memory\"")
          .contains("\"export-size\": " + SIZE)
          .contains("base:allocation")
          .contains("qemu:dirty-bitmap:b0")
          .contains("\"structured\": true")
          .contains("\"block_size_maximum\": 33554432");
    }
  }

  @Test
  void nbdinfoSeesWhatIsOffered() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      for (String what : new String[] {"multi-conn", "df", "cache", "structured-reply"}) {
        Commands.run("nbdinfo", "--can", what, uri(fixture, "ro"));
      }
      Commands.run("nbdinfo", "--is", "read-only", uri(fixture, "ro"));
      for (String what : new String[] {"write", "flush", "fua", "trim", "zero"}) {
        Commands.run("nbdinfo", "--can", what, uri(fixture, "rw"));
      }
    }
  }

  @Test
  void nbdinfoMapsWhatIsAllocated() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      String map = Commands.run("nbdinfo", "--map", uri(fixture, "ro"));
      long at = 0;
      for (String line : map.lines().toList()) {
        String[] fields = line.trim().split("\\s+", -1);
        assertThat(Long.parseLong(fields[0])).isEqualTo(at);
        long end = at + Long.parseLong(fields[1]);
        for (; at < end; at += 4096) {
          assertThat(fixture.disk().isAllocated(at / 4096)).isEqualTo(fields[2].equals("0"));
        }
      }
      assertThat(at).isEqualTo(SIZE);
      Commands.run("nbdinfo", "--map=qemu:dirty-bitmap:b0", uri(fixture, "ro"));
    }
  }

  @Test
  void nbdcopyReadsAndWrites() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      Path copy = dir.resolve("copy");
      Commands.run("nbdcopy", uri(fixture, "ro"), copy.toString());
      assertThat(Files.mismatch(raw(fixture), copy)).isEqualTo(-1);
      Commands.run("nbdcopy", "--flush", copy.toString(), uri(fixture, "rw"));
      assertThat(fixture.writable().bytes(0, SIZE)).isEqualTo(fixture.disk().bytes(0, SIZE));
      assertThat(fixture.exports().flushes()).isPositive();
      Commands.run("nbdcopy", uri(fixture, "ro"), uri(fixture, "rw"));
      assertThat(fixture.writable().bytes(0, SIZE)).isEqualTo(fixture.disk().bytes(0, SIZE));
    }
  }

  @Test
  void qemuImgReadsComparesAndConverts() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      String source = uri(fixture, "ro");
      assertThat(Commands.run("qemu-img", "info", source)).contains("8 MiB");
      Path copy = dir.resolve("copy.qcow2");
      Commands.run("qemu-img", "convert", "-O", "qcow2", source, copy.toString());
      Commands.run("qemu-img", "compare", source, copy.toString());
      Commands.run("qemu-img", "compare", "-f", "raw", "-F", "raw", raw(fixture) + "", source);
      Commands.run(
          "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", source, uri(fixture, "rw"));
      Commands.run("qemu-img", "compare", "-f", "raw", "-F", "raw", source, uri(fixture, "rw"));
      Commands.run("qemu-img", "bench", "-f", "raw", "-c", "2000", "-d", "64", source);
    }
  }

  @Test
  void qemuIoWritesAndFlushes() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      String out =
          Commands.run(
              "qemu-io",
              "-f",
              "raw",
              "-c",
              "write -P 7 64k 128k",
              "-c",
              "write -z 96k 32k",
              "-c",
              "discard 128k 4k",
              "-c",
              "flush",
              "-c",
              "read -P 7 64k 32k",
              "-c",
              "read -P 0 96k 36k",
              uri(fixture, "rw"));
      assertThat(out).doesNotContain("failed").doesNotContain("error");
      assertThat(fixture.writable().bytes(64 << 10, 32 << 10)).containsOnly(7);
      assertThat(fixture.writable().bytes(96 << 10, 36 << 10)).containsOnly(0);
      assertThat(fixture.exports().flushes()).isPositive();
    }
  }

  @Test
  void nbdkitPassesItOn() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        ExternalServer proxy =
            ExternalServer.nbdkit(dir, "nbd", "uri=" + uri(fixture, "ro"), "shared=true")) {
      Path copy = dir.resolve("copy");
      Commands.run("nbdcopy", proxy.uri().toString(), copy.toString());
      assertThat(Files.mismatch(raw(fixture), copy)).isEqualTo(-1);
    }
  }
}
