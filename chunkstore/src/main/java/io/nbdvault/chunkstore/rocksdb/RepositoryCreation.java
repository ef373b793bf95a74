package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.KeysFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Makes a new repository. The configuration comes last: a directory without it is no repository. If
 * something fails, what was made is taken away again, and nothing else.
 */
final class RepositoryCreation {
  /** What comes first in a new database, so that the counters count from 1. */
  private static final long FIRST = 1;

  private final RepositoryDirectory directory;

  /** The directories that were made, the last first. */
  private final Deque<Path> made = new ArrayDeque<>();

  private RepositoryCreation(RepositoryDirectory directory) {
    this.directory = directory;
  }

  /**
   * Makes the repository.
   *
   * @param keys its sealed keys, if it is to be encrypted
   */
  static void create(
      RepositoryDirectory directory, RepositoryConfig config, Optional<KeysFile> keys)
      throws StoreException {
    RepositoryCreation creation = new RepositoryCreation(directory);
    try {
      creation.makeDirectories();
      creation.makeDatabase(config, keys);
      if (keys.isPresent()) {
        directory.writeKeys(keys.get().encode());
      }
      new HeadFile(directory, config.repositoryId()).make(FIRST, FIRST);
      directory.writeConfig(config);
      new Ballast(directory).restore(0);
    } catch (StoreException e) {
      creation.undo(e);
      throw e;
    } catch (IOException e) {
      creation.undo(e);
      throw StoreErrors.of(directory.location(), "creating it", e);
    }
  }

  private void makeDirectories() throws IOException {
    if (Files.exists(directory.dir())) {
      requireEmptyDirectory();
    } else {
      makeDirectory(directory.dir());
    }
    makeDirectory(directory.database());
  }

  private void requireEmptyDirectory() throws IOException {
    if (!Files.isDirectory(directory.dir())) {
      throw new StoreFailedException(
          "Cannot create a repository at " + directory.location() + ": it is a file.", null);
    }
    if (Files.isDirectory(directory.database()) && !directory.hasConfig()) {
      throw new StoreFailedException(
          "Cannot create a repository in "
              + directory.location()
              + ": an earlier init was interrupted there. Remove its directory "
              + directory.database().getFileName()
              + " first.",
          null);
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory.dir())) {
      if (entries.iterator().hasNext()) {
        throw new StoreFailedException(
            "Cannot create a repository in "
                + directory.location()
                + ": the directory is not empty. Choose an empty directory or a new name.",
            null);
      }
    }
  }

  /** What is backed up may be secret: no one else reads it. */
  private void makeDirectory(Path path) throws IOException {
    try {
      Files.createDirectory(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (NoSuchFileException e) {
      throw new StoreFailedException(
          "Cannot create a repository at "
              + directory.location()
              + ": its parent directory does not exist.",
          e);
    } catch (FileAlreadyExistsException e) {
      throw new StoreFailedException(
          "Cannot create a repository at "
              + directory.location()
              + ": somebody else is creating something there.",
          e);
    }
    made.push(path);
  }

  private void makeDatabase(RepositoryConfig config, Optional<KeysFile> keys)
      throws StoreException {
    try (Database database =
            Database.open(directory.location(), directory.database(), DatabaseAccess.CREATE);
        RowBatch batch = database.newBatch()) {
      Counter.EPOCH.put(batch, FIRST);
      Counter.NEXT_ORDINAL.put(batch, FIRST);
      Counter.COMMITS.put(batch, FIRST);
      batch.put(Family.DEFAULT, StoredConfig.key(), ConfigFile.encode(config));
      if (keys.isPresent()) {
        batch.put(Family.DEFAULT, StoredKeys.key(), keys.get().encode());
      }
      database.write(batch);
      database.flush();
    }
  }

  private void undo(Exception cause) {
    try {
      // Who makes the database makes the other files. Whose else they are stays untouched: they may
      // be all that opens a repository which was here before.
      if (made.contains(directory.database())) {
        Files.deleteIfExists(directory.config());
        Files.deleteIfExists(directory.newConfig());
        Files.deleteIfExists(directory.newKeys());
        Files.deleteIfExists(directory.keys());
        Files.deleteIfExists(directory.newHead());
        Files.deleteIfExists(directory.head());
        deleteFiles(directory.database());
      }
      for (Path path : made) {
        Files.delete(path);
      }
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private static void deleteFiles(Path path) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      for (Path entry : entries) {
        Files.delete(entry);
      }
    }
  }
}
