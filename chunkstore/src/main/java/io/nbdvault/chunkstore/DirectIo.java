package io.nbdvault.chunkstore;

import java.io.IOException;
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

/**
 * Reads and writes that go past the page cache ({@code O_DIRECT}): what is written once and not
 * read soon would only push out what others need, and copying it there takes as long as all else.
 */
public final class DirectIo {
  private DirectIo() {}

  /**
   * Opens a file that is there. Positions and lengths must then be multiples of the file store's
   * block size, and buffers direct and aligned to it: with others Java 17 fails later.
   *
   * @return empty where the file system or this Java has no such thing, or the file is not there
   */
  public static Optional<FileChannel> open(Path file, OpenOption... options) {
    Optional<OpenOption> direct = option();
    if (direct.isEmpty() || !Files.exists(file)) {
      return Optional.empty();
    }
    Set<OpenOption> all = new HashSet<>(List.of(options));
    all.add(direct.orElseThrow());
    try {
      return Optional.of(FileChannel.open(file, all));
    } catch (IOException | UnsupportedOperationException e) {
      // The answer, and not a failure: whoever then opens it as usual hears what else is wrong.
      return Optional.empty();
    }
  }

  /** Whether {@link #open} would open this file for reading. */
  public static boolean worksFor(Path file) {
    Optional<FileChannel> opened = open(file, StandardOpenOption.READ);
    try (FileChannel channel = opened.orElse(null)) {
      return channel != null;
    } catch (IOException e) {
      // Not even closing works.
      return false;
    }
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
