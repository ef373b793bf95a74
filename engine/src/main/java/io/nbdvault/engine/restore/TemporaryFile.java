package io.nbdvault.engine.restore;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that lies beside its final place under a temporary name until it is complete, so that a
 * file under the final name is always whole.
 */
final class TemporaryFile {
  private final Path target;
  private final Path temporary;

  private TemporaryFile(Path target, Path temporary) {
    this.target = target;
    this.temporary = temporary;
  }

  /** Creates an empty temporary file for {@code target}, readable by its owner's umask. */
  static TemporaryFile create(Path target) throws IOException {
    Path absolute = target.toAbsolutePath();
    String suffix = String.format(".%08x.partial", ThreadLocalRandom.current().nextInt());
    Path temporary = absolute.resolveSibling("." + absolute.getFileName() + suffix);
    Files.createFile(temporary);
    return new TemporaryFile(absolute, temporary);
  }

  Path target() {
    return target;
  }

  Path path() {
    return temporary;
  }

  /** Syncs the file's content, so that what is published is durable. */
  void sync() throws IOException {
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** Renames to the final name; once this returns the name is durable too. */
  void publish() throws IOException {
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    Path directory = target.getParent();
    if (directory != null) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  /** Removes what is left under the temporary name; nothing after {@link #publish}. */
  void remove() throws IOException {
    Files.deleteIfExists(temporary);
  }
}
