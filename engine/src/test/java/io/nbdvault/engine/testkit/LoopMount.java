package io.nbdvault.engine.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A small ext4 filesystem of its own, to run out of space on. Needs root. Unmounting also detaches
 * the loop device.
 */
public final class LoopMount implements AutoCloseable {
  private static final long RUN_SECONDS_MAX = 30;

  private final Path mountPoint;

  private LoopMount(Path mountPoint) {
    this.mountPoint = mountPoint;
  }

  /** Makes and mounts a filesystem of this size, all of it for root. */
  public static LoopMount create(Path directory, String name, long sizeBytes) throws IOException {
    Path image = directory.resolve(name + ".ext4");
    Path mountPoint = Files.createDirectory(directory.resolve(name));
    run("truncate", "-s", Long.toString(sizeBytes), image.toString());
    run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image.toString());
    run("mount", "-o", "loop", image.toString(), mountPoint.toString());
    return new LoopMount(mountPoint);
  }

  public Path path() {
    return mountPoint;
  }

  /** Unmounts; where something still uses it, as soon as nothing does, and fails. */
  @Override
  public void close() throws IOException {
    try {
      run("umount", mountPoint.toString());
    } catch (IOException inUse) {
      run("umount", "-l", mountPoint.toString());
      throw inUse;
    }
  }

  private static void run(String... command) throws IOException {
    Path output = Files.createTempFile("loop-mount", ".log");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(RUN_SECONDS_MAX, TimeUnit.SECONDS);
      if (!ended || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new IOException(
            List.of(command)
                + " failed (it needs root): "
                + Files.readString(output, StandardCharsets.UTF_8).strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while running " + List.of(command), e);
    } finally {
      Files.delete(output);
    }
  }
}
