package io.nbdvault.engine.restore;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that lies beside its final place under a temporary name until it is complete, so that a
 * file under the final name is always whole.
 */
public final class TemporaryFile {
  private final Path target;
  private final Path temporary;

  private TemporaryFile(Path target, Path temporary) {
    this.target = target;
    this.temporary = temporary;
  }

  /** Creates an empty temporary file for {@code target} that only its owner may read. */
  public static TemporaryFile create(Path target) throws IOException {
    Path absolute = target.toAbsolutePath();
    String suffix = String.format(".%08x.partial", ThreadLocalRandom.current().nextInt());
    Path temporary = absolute.resolveSibling("." + absolute.getFileName() + suffix);
    Files.createFile(
        temporary,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return new TemporaryFile(absolute, temporary);
  }

  /** The final name, absolute. */
  public Path target() {
    return target;
  }

  /** The temporary name. */
  public Path path() {
    return temporary;
  }

  /** Syncs the file's content, so that what is published is durable. */
  public void sync() throws IOException {
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** Renames to the final name; once this returns the name is durable too. */
  public void publish() throws IOException {
    if (Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
      takeOverOwnership();
    }
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    Path directory = target.getParent();
    if (directory != null) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  /** What replaces a file belongs to whom the file belonged to. */
  private void takeOverOwnership() throws IOException {
    for (String attribute : List.of("unix:gid", "unix:uid", "unix:mode")) {
      Files.setAttribute(temporary, attribute, Files.getAttribute(target, attribute));
    }
  }

  /** Removes what is left under the temporary name; nothing after {@link #publish}. */
  public void remove() throws IOException {
    Files.deleteIfExists(temporary);
  }
}
