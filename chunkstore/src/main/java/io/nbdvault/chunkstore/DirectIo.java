package io.nbdvault.chunkstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes that go past the page cache ({@code O_DIRECT}): what is written once and not
 * read soon would only push out what others need, and copying it there takes as long as all else.
 */
public final class DirectIo {
  /** The environment variable that turns it off, with the value 0. */
  public static final String VARIABLE = "NBDVAULT_DIRECT_IO";

  private static final long BLOCK_BYTES_MAX = 1 << 20;
  private static final String TRIAL = "direct-io.trial";

  private DirectIo() {}

  /**
   * Opens a file that is there. Positions and lengths must then be multiples of the file store's
   * block size, and buffers such as {@link #buffer} makes.
   *
   * @return empty where the file system or this Java has no such thing, where it is turned off, or
   *     if the file is not there
   */
  public static Optional<FileChannel> open(Path file, OpenOption... options) {
    return open(System.getenv(VARIABLE), file, options);
  }

  /**
   * The same.
   *
   * @param setting the value of {@link #VARIABLE}
   */
  static Optional<FileChannel> open(@Nullable String setting, Path file, OpenOption... options) {
    Optional<OpenOption> direct = "0".equals(setting) ? Optional.empty() : option();
    if (direct.isEmpty() || !Files.exists(file)) {
      return Optional.empty();
    }
    Set<OpenOption> all = new HashSet<>(List.of(options));
    all.add(direct.orElseThrow());
    try {
      return isBlock(Files.getFileStore(file).getBlockSize())
          ? Optional.of(FileChannel.open(file, all))
          : Optional.empty();
    } catch (IOException | UnsupportedOperationException e) {
      // The answer, and not a failure: whoever then opens it as usual hears what else is wrong.
      return Optional.empty();
    }
  }

  /** Whether buffers can be aligned to it: over a network there are block sizes of all kinds. */
  static boolean isBlock(long bytes) {
    return Long.bitCount(bytes) == 1 && bytes > 0 && bytes <= BLOCK_BYTES_MAX;
  }

  /**
   * Whether files in a directory can be written so. Some file systems open them and then fail, so
   * one block is written for trial; where there is no room for it the answer is no.
   */
  public static boolean worksIn(Path directory) {
    Path trial = directory.resolve(TRIAL);
    try {
      try {
        Files.write(trial, new byte[0]);
        return writesBlock(trial);
      } finally {
        Files.deleteIfExists(trial);
      }
    } catch (IOException e) {
      // The answer, as above: it is what is tried that may fail.
      return false;
    }
  }

  private static boolean writesBlock(Path file) throws IOException {
    Optional<FileChannel> opened = open(file, StandardOpenOption.WRITE);
    try (FileChannel channel = opened.orElse(null)) {
      if (channel == null) {
        return false;
      }
      int block = (int) Files.getFileStore(file).getBlockSize();
      return channel.write(buffer(block, block).limit(block), 0) == block;
    }
  }

  /**
   * Makes a buffer that can be written from. Java would copy any other into one of its own, but
   * Java 17 then fails at the thread's next write of another kind.
   *
   * @param bytes what it holds at least
   * @param blockBytes the file store's block size, a power of two
   */
  public static ByteBuffer buffer(int bytes, int blockBytes) {
    // A slice loses up to a block at either end.
    return ByteBuffer.allocateDirect(bytes + 2 * blockBytes).alignedSlice(blockBytes);
  }

  /** By name: the compiler has a warning for it that cannot be switched off, though it is open. */
  private static Optional<OpenOption> option() {
    try {
      return Stream.of(Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants())
          .filter(option -> option.toString().equals("DIRECT"))
          .map(OpenOption.class::cast)
          .findFirst();
    } catch (ClassNotFoundException e) {
      // A Java without that module.
      return Optional.empty();
    }
  }
}
