package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A small ext4 file system in a file, mounted until it is closed. Needs root. */
final class LoopFileSystem implements AutoCloseable {
  private final Path image;
  private final Path mounted;

  private LoopFileSystem(Path image, Path mounted) {
    this.image = image;
    this.mounted = mounted;
  }

  /** Makes one, with nothing left to be initialised later, and nothing reserved for root. */
  static LoopFileSystem make(Path image, long sizeBytes, String options) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(sizeBytes);
    }
    String lazy = "lazy_itable_init=0,lazy_journal_init=0";
    run("mkfs.ext4", "-q", "-m", "0", "-E", lazy, image.toString());
    return mount(image, options);
  }

  /** Mounts the one that an image holds. */
  static LoopFileSystem mount(Path image, String options) throws IOException {
    Path point = Files.createDirectory(image.resolveSibling(image.getFileName() + "-mounted"));
    run("mount", "-o", options, image.toString(), point.toString());
    return new LoopFileSystem(image, point);
  }

  /** Where it is mounted. */
  Path root() {
    return mounted;
  }

  /**
   * Copies what the device holds at this moment, which is what a power cut would leave. It is
   * copied until two copies are alike: then there was a moment at which the device was like both.
   */
  Path copyDevice(String name) throws IOException {
    Path copy = image.resolveSibling(name);
    Path again = image.resolveSibling(name + "-again");
    for (int attempt = 0; attempt < 20; attempt++) {
      Files.copy(image, copy);
      Files.copy(image, again);
      boolean alike = Files.mismatch(copy, again) < 0;
      Files.delete(again);
      if (alike) {
        return copy;
      }
      Files.delete(copy);
    }
    throw new IOException("the device is never still");
  }

  @Override
  public void close() throws IOException {
    run("umount", mounted.toString());
    Files.delete(mounted);
    Files.delete(image);
  }

  private static void run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(String.join(" ", command));
    }
    assertThat(process.exitValue()).as("%s: %s", String.join(" ", command), output).isZero();
  }
}
