package io.nbdvault.engine.qemu;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** How a qcow2 image begins. A guest can write the same into a raw disk. */
public final class Qcow2Header {
  private static final byte[] MAGIC = {'Q', 'F', 'I', (byte) 0xfb};

  private Qcow2Header() {}

  /** Whether a file is a regular one that begins as a qcow2 image. */
  public static boolean isIn(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream content = Files.newInputStream(file)) {
      return Arrays.equals(content.readNBytes(MAGIC.length), MAGIC);
    }
  }
}
