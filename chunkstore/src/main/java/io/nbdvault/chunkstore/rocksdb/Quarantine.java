package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.zip.CRC32C;

/**
 * The directory of a repository for what is damaged, before anything takes its place. Nothing in it
 * is ever read by the store, or taken away.
 */
final class Quarantine {
  private final RepositoryDirectory directory;

  Quarantine(RepositoryDirectory directory) {
    this.directory = directory;
  }

  /** Where it is. */
  Path dir() {
    return directory.dir().resolve("quarantine");
  }

  /** Keeps some bytes under a name, unless that is taken. Durable when this returns. */
  void keep(String name, byte[] bytes) throws StoreException {
    try {
      Database.beforeChange.run();
      makeDirectory(directory.dir(), dir());
      Path file = dir().resolve(name);
      try (FileChannel out =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        while (rest.hasRemaining()) {
          out.write(rest);
        }
        out.force(true);
      } catch (FileAlreadyExistsException e) {
        // It was kept when it was found for the first time.
        return;
      }
      RepositoryDirectory.sync(dir());
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "keeping what is damaged", e);
    }
  }

  /** Keeps a copy of a file of the repository, if there is one. Durable when this returns. */
  void keepCopy(Path file) throws StoreException {
    try {
      if (Files.exists(file)) {
        byte[] bytes = Files.readAllBytes(file);
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        keep(Long.toHexString(checksum.getValue()) + "-" + file.getFileName(), bytes);
      }
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "keeping what is damaged", e);
    }
  }

  /**
   * Takes in a file or directory of the repository as {@code NAME-N}, whatever is there already.
   * Durable when this returns.
   *
   * @return where it is now
   */
  Path takeIn(Path what, String name) throws IOException {
    makeDirectory(directory.dir(), dir());
    for (int number = 1; ; number++) {
      Path place = dir().resolve(name + "-" + number);
      if (Files.exists(place, LinkOption.NOFOLLOW_LINKS) && !isEmptyDirectory(place)) {
        continue;
      }
      Database.beforeChange.run();
      // Only with the lock: nobody else takes that name. A directory takes an empty one's place.
      Files.move(what, place, StandardCopyOption.ATOMIC_MOVE);
      RepositoryDirectory.sync(dir());
      directory.sync();
      return place;
    }
  }

  /** A name {@code NAME-N} that nothing has. The directory is durable when this returns. */
  Path newFile(String name) throws IOException {
    makeDirectory(directory.dir(), dir());
    for (int number = 1; ; number++) {
      Path place = dir().resolve(name + "-" + number);
      if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
        return place;
      }
    }
  }

  private static boolean isEmptyDirectory(Path place) throws IOException {
    if (!Files.isDirectory(place)) {
      return false;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(place)) {
      return !entries.iterator().hasNext();
    }
  }

  /** Makes a directory for its owner alone, unless it is there. */
  static void makeDirectory(Path parent, Path dir) throws IOException {
    if (!Files.isDirectory(dir)) {
      Files.createDirectory(
          dir, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      RepositoryDirectory.sync(parent);
    }
  }
}
