package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.engine.testkit.LoopDevice;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Restores to what has a name already and may hold something: devices and NBD disks. */
class RestoreInPlaceIT {
  private static final byte OLD = (byte) 0xFF;

  /** Larger than the disk. */
  private static final int LARGE = 8 << 20;

  @TempDir static Path shared;
  private static RestoreBench bench;

  @TempDir Path directory;

  @BeforeAll
  static void backUp() throws Exception {
    bench = RestoreBench.create(shared);
  }

  private Path fileOf(byte content, int size) throws IOException {
    byte[] bytes = new byte[size];
    Arrays.fill(bytes, content);
    return Files.write(directory.resolve("target.img"), bytes);
  }

  private static byte[] diskThenOld(int size) {
    byte[] expected = Arrays.copyOf(bench.a, size);
    Arrays.fill(expected, bench.a.length, size, OLD);
    return expected;
  }

  private static void assertRefused(String message, ThrowingCallable restore) {
    assertThatThrownBy(restore).isInstanceOf(JobException.class).hasMessage(message);
  }

  private static byte[] content(ExternalServer server, Path copy) throws IOException {
    var unused = LoopDevice.run("nbdcopy", server.uri().toString(), copy.toString());
    return Files.readAllBytes(copy);
  }

  private static void assertSame(byte[] found, byte[] expected) {
    assertThat(found.length).isEqualTo(expected.length);
    assertThat(Arrays.mismatch(found, expected)).as("first difference").isEqualTo(-1);
  }

  @Nested
  class BlockDevice {
    @Test
    void largerDeviceFullOfOldDataHoldsTheDiskAndKeepsTheRest() throws Exception {
      assumeThat(Path.of("/dev/loop-control")).exists();
      Path file = fileOf(OLD, LARGE);
      try (LoopDevice device = LoopDevice.over(file)) {
        assertRefused(
            device.path() + " is not empty; --force overwrites it",
            () -> bench.restore(bench.request("a", device.path())));
        assertSame(Files.readAllBytes(file), filledWithOld(LARGE));
        bench.restore(bench.forced("a", device.path()));
      }
      assertSame(Files.readAllBytes(file), diskThenOld(LARGE));
      long blocks = RestoreBench.blocks(file);
      assertThat(blocks * 512)
          .as("holes were discarded, or at least not written with zeroes")
          .isLessThan(LARGE - (2 << 20));
    }

    @Test
    void emptyDeviceNeedsNoForce() throws Exception {
      assumeThat(Path.of("/dev/loop-control")).exists();
      Path file = fileOf((byte) 0, LARGE);
      try (LoopDevice device = LoopDevice.over(file)) {
        bench.restore(bench.request("a", device.path()));
      }
      assertSame(Files.readAllBytes(file), Arrays.copyOf(bench.a, LARGE));
    }

    @Test
    void deviceThatIsTooSmallOrForQcow2IsRefused() throws Exception {
      assumeThat(Path.of("/dev/loop-control")).exists();
      int size = RestoreBench.A_BYTES - 512;
      Path file = fileOf(OLD, size);
      try (LoopDevice device = LoopDevice.over(file)) {
        assertRefused(
            device.path()
                + " is too small: it has "
                + size
                + " bytes and disk a has "
                + RestoreBench.A_BYTES,
            () -> bench.restore(bench.forced("a", device.path())));
        assertRefused(
            device.path() + " is a device: only the raw format can be written",
            () ->
                bench.restore(
                    new RestoreRequest(
                        "vm@latest",
                        List.of("a"),
                        device.path().toString(),
                        Optional.of(ImageFormat.QCOW2),
                        true)));
      }
      assertSame(Files.readAllBytes(file), filledWithOld(size));
    }

    @Test
    void deviceThatIsMountedIsRefusedEvenWithForce() throws Exception {
      assumeThat(Path.of("/dev/loop-control")).exists();
      Path file = fileOf((byte) 0, LARGE);
      Path mountPoint = Files.createDirectory(directory.resolve("mnt"));
      var unused = LoopDevice.run("mkfs.ext4", "-q", file.toString());
      try (LoopDevice device = LoopDevice.over(file)) {
        unused = LoopDevice.run("mount", device.path().toString(), mountPoint.toString());
        try {
          assertRefused(
              device.path() + " is mounted on " + mountPoint,
              () -> bench.restore(bench.forced("a", device.path())));
          Files.writeString(mountPoint.resolve("file"), "still there");
        } finally {
          unused = LoopDevice.run("umount", mountPoint.toString());
        }
        unused = LoopDevice.run("e2fsck", "-fn", device.path().toString());
      }
    }

    private static byte[] filledWithOld(int size) {
      byte[] bytes = new byte[size];
      Arrays.fill(bytes, OLD);
      return bytes;
    }
  }

  @Nested
  class NbdDisk {
    @Test
    void memoryWithOldContentHoldsTheDiskAndKeepsTheRest() throws Exception {
      Path old = fileOf(OLD, LARGE);
      try (ExternalServer server = ExternalServer.nbdkit(directory, "memory", "8M")) {
        var unused = LoopDevice.run("nbdcopy", old.toString(), server.uri().toString());
        assertRefused(
            server.uri() + " is not empty; --force overwrites it",
            () -> bench.restore(bench.request("a", server.uri())));
        bench.restore(bench.forced("a", server.uri()));
        assertSame(content(server, directory.resolve("copy")), diskThenOld(LARGE));
      }
    }

    @Test
    void serverWithoutWriteZeroesIsWrittenWithZeroes() throws Exception {
      Path file = fileOf(OLD, LARGE);
      try (ExternalServer server =
          ExternalServer.nbdkit(directory, "--filter=nozero", "file", file.toString())) {
        bench.restore(bench.forced("a", server.uri()));
      }
      assertSame(Files.readAllBytes(file), diskThenOld(LARGE));
    }

    @Test
    void serverThatIsReadOnlyIsRefused() throws Exception {
      try (ExternalServer server = ExternalServer.nbdkit(directory, "-r", "memory", "8M")) {
        assertRefused(
            server.uri() + " is read-only", () -> bench.restore(bench.forced("a", server.uri())));
      }
    }

    @Test
    void serverThatIsTooSmallIsRefused() throws Exception {
      try (ExternalServer server = ExternalServer.nbdkit(directory, "memory", "1M")) {
        assertRefused(
            server.uri()
                + " is too small: it has 1048576 bytes and disk a has "
                + RestoreBench.A_BYTES,
            () -> bench.restore(bench.request("a", server.uri())));
      }
    }

    @Test
    void qemuNbdOnARawFileOfTheDisksSizeHoldsExactlyTheDisk() throws Exception {
      Path file = fileOf((byte) 0, RestoreBench.A_BYTES);
      try (ExternalServer server =
          ExternalServer.qemuNbd(directory, "-f", "raw", "-x", "disk", file.toString())) {
        bench.restore(bench.request("a", server.uri()));
      }
      assertSame(Files.readAllBytes(file), bench.a);
    }

    @Test
    void writeThatTheServerRefusesFailsTheRestoreAndSaysWhy() throws Exception {
      try (ExternalServer server =
          ExternalServer.nbdkit(
              directory,
              "--filter=error",
              "memory",
              "8M",
              "error-pwrite=ENOSPC",
              "error-pwrite-rate=1")) {
        assertThatThrownBy(() -> bench.restore(bench.request("a", server.uri())))
            .isInstanceOf(JobException.class)
            .hasMessageStartingWith("disk a cannot be restored: ")
            .hasMessageContaining("ENOSPC");
      }
    }
  }
}
