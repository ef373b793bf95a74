package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code nbd copy} in every direction that needs no pipe, with nbdcopy's content to compare. */
@Timeout(300)
class NbdCopyIT {
  @TempDir private Path dir;

  private static TestRun copy(Object... arguments) {
    List<String> all = new ArrayList<>(List.of("nbd", "copy"));
    Arrays.stream(arguments).map(Object::toString).forEach(all::add);
    return TestRun.of(all.toArray(String[]::new));
  }

  private static void assertCopied(TestRun run) {
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
  }

  private static void assertFailed(int code, String part, TestRun run) {
    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.err()).startsWith("nbdvault: ").contains(part);
    assertThat(run.err().lines()).as(run.err()).hasSize(1);
    assertThat(run.out()).isEmpty();
  }

  /** Data with holes, as a file. */
  private Path sparseFile(String name, int bytes, long seed) throws Exception {
    byte[] content = new byte[bytes];
    Random random = new Random(seed);
    for (int offset = 0; offset < bytes; offset += 300_000) {
      byte[] data = new byte[Math.min(100_000, bytes - offset)];
      random.nextBytes(data);
      System.arraycopy(data, 0, content, offset, data.length);
    }
    return Files.write(dir.resolve(name), content);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sparse-random 192M seed=1 percent=30",
        "sparse-random 100M seed=2 percent=100",
        "--no-sr sparse-random 64M seed=3 percent=50",
        "--mask-handshake=0 sparse-random 64M seed=4 percent=50",
        "--filter=noextents sparse-random 64M seed=5 percent=50",
        "pattern 1000003",
        "memory 0",
        "--filter=blocksize-policy pattern 8196K blocksize-minimum=4K blocksize-preferred=64K"
            + " blocksize-maximum=128K blocksize-error-policy=error"
      })
  void copiesAnExportToASparseFile(String arguments) throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, arguments.split(" "))) {
      Path ours = dir.resolve("ours.raw");
      Path reference = dir.resolve("reference.raw");
      assertCopied(copy(server.uri(), ours));
      // It does not split at a server's maximum itself.
      Commands.run(
          "nbdcopy", "--request-size=65536", server.uri().toString(), reference.toString());

      assertThat(Files.mismatch(ours, reference)).isEqualTo(-1);
      assertThat(NbdReference.allocatedBytes(ours))
          .isLessThanOrEqualTo(NbdReference.allocatedBytes(reference) + (64 << 10));
      assertThat(dir.toFile().list((d, name) -> name.endsWith(".partial"))).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-C 1 -R 1", "-C 16 -R 64 --request-size 4K", "--request-size 32M"})
  void copiesWithAnyNumberOfRequests(String options) throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "sparse-random", "96M", "seed=6", "percent=50")) {
      Path ours = dir.resolve("ours.raw");
      List<Object> arguments = new ArrayList<>(List.of((Object[]) options.split(" ")));
      arguments.addAll(List.of(server.uri(), ours));
      assertCopied(copy(arguments.toArray()));
      assertThat(NbdReference.sha256(ours)).isEqualTo(NbdReference.sha256(server.uri()));
    }
  }

  @Test
  void tellsAProgramWhatWasCopied() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "sparse-random", "64M", "seed=7", "percent=30")) {
      TestRun run = copy("--json", server.uri(), "null:");
      assertCopied(run);
      assertThat(run.event("started").path("job").textValue()).isEqualTo("copy");
      JsonNode summary = run.event("summary");
      assertThat(summary.path("job").textValue()).isEqualTo("copy");
      assertThat(summary.path("source").textValue()).isEqualTo(server.uri().toString());
      assertThat(summary.path("destination").textValue()).isEqualTo("null:");
      assertThat(summary.path("sizeBytes").longValue()).isEqualTo(64 << 20);
      assertThat(summary.path("dataBytes").longValue())
          .isEqualTo(NbdReference.dataBytes(server.uri()));
    }
  }

  @Test
  void copiesAFileToAnExport() throws Exception {
    Path file = sparseFile("file.raw", 10_000_001, 8);
    try (ExternalServer server = ExternalServer.nbdkit(dir, "memory", "10000001")) {
      assertCopied(copy(file, server.uri()));
      assertThat(NbdReference.sha256(server.uri())).isEqualTo(NbdReference.sha256(file));
    }
  }

  @Test
  void keepsAFileSparseInAQcow2Image() throws Exception {
    Path file = dir.resolve("file.raw");
    Commands.run("truncate", "-s", "64M", file.toString());
    Commands.run("qemu-io", "-f", "raw", "-c", "write -P 7 8M 1M", file.toString());
    Path image = dir.resolve("image.qcow2");
    Commands.run("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "64M");
    try (ExternalServer server = ExternalServer.qemuNbd(dir, "-f", "qcow2", image.toString())) {
      assertCopied(copy("--destination-is-zero", file, server.uri()));
      assertThat(NbdReference.dataBytes(server.uri())).isEqualTo(1 << 20);
    }
    Commands.run(
        "qemu-img", "compare", "-f", "raw", "-F", "qcow2", file.toString(), image.toString());
    assertThat(NbdReference.allocatedBytes(image)).isLessThan(2 << 20);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--filter=nozero zeromode=none",
        "--filter=multi-conn multi-conn-mode=disable",
        "--no-sr",
        "--filter=blocksize-policy blocksize-minimum=64K blocksize-preferred=64K"
            + " blocksize-maximum=1M blocksize-error-policy=error"
      })
  void copiesBetweenServersOverOldContent(String arguments) throws Exception {
    Path file = Files.write(dir.resolve("file.raw"), filled(96 << 20));
    List<String> all = new ArrayList<>();
    for (String argument : arguments.isEmpty() ? new String[0] : arguments.split(" ")) {
      // nbdkit wants its own options before the plugin, and the plugin's after it.
      all.add(argument.startsWith("--") ? 0 : all.size(), argument);
    }
    int options = (int) all.stream().filter(argument -> argument.startsWith("--")).count();
    all.addAll(options, List.of("file", "file=" + file));
    try (ExternalServer source =
            ExternalServer.nbdkit(dir, "sparse-random", "96M", "seed=9", "percent=40");
        ExternalServer destination = ExternalServer.nbdkit(dir, all.toArray(String[]::new))) {
      assertCopied(copy(source.uri(), destination.uri()));
      assertThat(NbdReference.sha256(file)).isEqualTo(NbdReference.sha256(source.uri()));
      if (!arguments.contains("nozero")) {
        assertThat(NbdReference.allocatedBytes(file))
            .isLessThan(NbdReference.dataBytes(source.uri()) + (4 << 20));
      }
    }
  }

  private static byte[] filled(int bytes) {
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) 0x55);
    return content;
  }

  @Test
  void leavesWhatIsBeyondTheSourcesEndAlsoWithinABlock() throws Exception {
    int size = 1_000_003;
    byte[] expected = filled(2 << 20);
    Path old = Files.write(dir.resolve("old.raw"), expected);
    Path file = sparseFile("file.raw", size, 10);
    System.arraycopy(Files.readAllBytes(file), 0, expected, 0, size);
    try (ExternalServer source = ExternalServer.nbdkit(dir, "file", file.toString());
        ExternalServer destination =
            ExternalServer.nbdkit(
                dir,
                "--filter=blocksize-policy",
                "memory",
                "2M",
                "blocksize-minimum=4K",
                "blocksize-preferred=4K",
                "blocksize-maximum=1M",
                "blocksize-error-policy=error")) {
      for (Object from : List.of(source.uri(), file)) {
        assertCopied(copy(old, destination.uri()));
        assertCopied(copy(from, destination.uri()));
        Path now = dir.resolve("now.raw");
        Commands.run("nbdcopy", destination.uri().toString(), now.toString());
        assertThat(Files.readAllBytes(now)).isEqualTo(expected);
      }
    }
  }

  @Test
  void refusesADestinationThatIsTooSmallBeforeAByteIsWritten() throws Exception {
    Path file = Files.write(dir.resolve("file.raw"), filled((1 << 20) + 1));
    try (ExternalServer server = ExternalServer.nbdkit(dir, "memory", "1M")) {
      String before = NbdReference.sha256(server.uri());
      assertFailed(
          1,
          server.uri() + " is too small: it has 1048576 bytes and " + file + " has 1048577",
          copy(file, server.uri()));
      assertThat(NbdReference.sha256(server.uri())).isEqualTo(before);
    }
  }

  @Test
  void refusesToWriteWhereItMayNot() throws Exception {
    Path file = Files.write(dir.resolve("file.raw"), new byte[512]);
    try (ExternalServer server = ExternalServer.nbdkit(dir, "-r", "memory", "1M")) {
      assertFailed(1, server.uri() + " is read-only", copy(file, server.uri()));
      assertFailed(1, file + " exists; --force replaces it", copy(server.uri(), file));
      assertThat(file).hasSize(512);
      assertFailed(2, dir + " is a directory", copy(server.uri(), dir));
      assertFailed(
          2,
          "directory " + dir.resolve("no") + " does not exist",
          copy(server.uri(), dir.resolve("no/x")));
      assertFailed(2, "no such file", copy(dir.resolve("missing"), server.uri()));
      assertFailed(1, "cannot connect", copy(NbdUri.unix(dir.resolve("no.sock"), ""), "null:"));

      assertCopied(copy("--force", server.uri(), file));
      assertThat(file).hasSize(1 << 20);
    }
  }

  @Test
  void anErrorOfTheSourceIsToldAndLeavesNoFile() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(
            dir, "--filter=error", "pattern", "64M", "error-pread=EIO", "error-pread-rate=5%")) {
      Path file = dir.resolve("file.raw");
      assertFailed(1, "reading from " + server.uri() + ": EIO", copy(server.uri(), file));
      assertFailed(1, "reading from " + server.uri() + ": EIO", copy(server.uri(), "null:"));
      assertThat(dir.toFile().list((d, name) -> name.contains("file.raw"))).isEmpty();
    }
  }

  @Test
  void anErrorOfTheDestinationIsToldWithWhatItMeans() throws Exception {
    Path file = Files.write(dir.resolve("file.raw"), filled(64 << 20));
    try (ExternalServer source = ExternalServer.nbdkit(dir, "pattern", "64M");
        ExternalServer server =
            ExternalServer.nbdkit(
                dir,
                "--filter=error",
                "memory",
                "64M",
                "error-pwrite=ENOSPC",
                "error-pwrite-rate=5%")) {
      for (Object from : List.of(file, source.uri())) {
        TestRun run = copy(from, server.uri());
        assertFailed(1, "writing to " + server.uri() + ": ENOSPC", run);
        assertThat(run.err()).contains("; what is in " + server.uri() + " is incomplete");
      }
    }
  }

  @Test
  void aFlushThatFailsIsAFailure() throws Exception {
    Path file = Files.write(dir.resolve("file.raw"), filled(1 << 20));
    Path script = dir.resolve("script");
    Files.writeString(
        script,
        """
        case $1 in
          get_size) echo 1M ;;
          can_write|can_flush) exit 0 ;;
          pread) dd if=/dev/zero bs=$3 count=1 2>/dev/null ;;
          pwrite) cat >/dev/null ;;
          flush) echo EIO no luck >&2; exit 1 ;;
          *) exit 2 ;;
        esac
        """);
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    try (ExternalServer server = ExternalServer.nbdkit(dir, "sh", script.toString())) {
      assertFailed(1, "EIO: FLUSH", copy(file, server.uri()));
    }
  }

  /** Needs root. */
  @Test
  void writesAndReadsADeviceInPlace() throws Exception {
    Path disk = Files.write(dir.resolve("disk.raw"), filled(4 << 20));
    String device = Commands.run("losetup", "-f", "--show", disk.toString()).strip();
    try (ExternalServer source =
            ExternalServer.nbdkit(dir, "sparse-random", "3M", "seed=13", "percent=50");
        ExternalServer large = ExternalServer.nbdkit(dir, "memory", "5M")) {
      assertFailed(1, device + " is a device; --force overwrites it", copy(source.uri(), device));
      assertFailed(
          1, device + " is too small: it has 4194304", copy("--force", large.uri(), device));
      assertThat(Files.readAllBytes(disk)).isEqualTo(filled(4 << 20));

      assertCopied(copy("--force", source.uri(), device));
      assertCopied(copy(device, large.uri()));
    } finally {
      Commands.run("losetup", "-d", device);
    }
    assertDeviceHolds(disk);
  }

  private void assertDeviceHolds(Path disk) throws Exception {
    try (ExternalServer source =
        ExternalServer.nbdkit(dir, "sparse-random", "3M", "seed=13", "percent=50")) {
      byte[] content = Files.readAllBytes(disk);
      Path begin = Files.write(dir.resolve("begin"), Arrays.copyOf(content, 3 << 20));
      assertThat(NbdReference.sha256(begin)).isEqualTo(NbdReference.sha256(source.uri()));
      assertThat(Arrays.copyOfRange(content, 3 << 20, 4 << 20)).isEqualTo(filled(1 << 20));
    }
  }
}
