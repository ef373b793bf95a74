package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.UnsupportedFormatException;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The files of a repository: {@code config.json}, {@code keys.json} if it is encrypted, {@code
 * head}, {@code lock}, {@code marks} while a collection sweeps, and the directory {@code db}.
 *
 * @param dir the directory
 */
record RepositoryDirectory(Path dir) {
  private static final String CONFIG = "config.json";
  private static final String KEYS = "keys.json";
  private static final String HEAD = "head";
  private static final String INCOMPLETE = "incomplete";

  String location() {
    return dir.toString();
  }

  Path lock() {
    return dir.resolve("lock");
  }

  Path database() {
    return dir.resolve("db");
  }

  /** A database that a repair has completed and not yet put in its place. */
  Path repairedDatabase() {
    return dir.resolve("db.repaired");
  }

  /** Where the database is for whoever only reads: a repair may have been killed at its end. */
  Path databaseToRead() {
    return awaitsItsPlace() ? repairedDatabase() : database();
  }

  /**
   * Does the last steps of a repair that was killed before them. Only with the lock, and before the
   * database is opened: RocksDB makes a directory where there is none.
   */
  void finishRepair() throws StoreException {
    try {
      if (awaitsItsPlace()) {
        if (Files.isDirectory(database())) {
          new Quarantine(this).takeIn(database(), "db");
        }
        Database.beforeChange.run();
        Files.move(repairedDatabase(), database(), StandardCopyOption.ATOMIC_MOVE);
        sync();
      } else if (Files.isDirectory(repairedDatabase())) {
        // It must never take the place of what is written to from now on.
        new Quarantine(this).takeIn(repairedDatabase(), "db");
        sync();
      }
    } catch (IOException e) {
      throw StoreErrors.of(location(), "putting the repaired database in place", e);
    }
  }

  /**
   * Whether the repaired database is the one that counts. A directory {@code db} in which nothing
   * says what is current was not written to since the repair: it cannot be opened.
   */
  private boolean awaitsItsPlace() {
    return hasCurrent(repairedDatabase()) && !hasCurrent(database());
  }

  private static boolean hasCurrent(Path dir) {
    return Files.exists(dir.resolve("CURRENT"));
  }

  /** The marks of a collection that has begun to sweep. */
  Path marks() {
    return dir.resolve("marks");
  }

  /** A file that only takes room: see {@link Ballast}. */
  Path ballast() {
    return dir.resolve("ballast");
  }

  /** Bytes that may still be written to the file system. */
  long usableBytes() throws StoreException {
    try {
      return Files.getFileStore(dir).getUsableSpace();
    } catch (IOException e) {
      throw StoreErrors.of(location(), "asking for free space", e);
    }
  }

  /** The configuration, without which there is no repository. */
  Path config() {
    return dir.resolve(CONFIG);
  }

  /** The configuration while it is being written. */
  Path newConfig() {
    return dir.resolve(CONFIG + ".new");
  }

  /** The keys of an encrypted repository. */
  Path keys() {
    return dir.resolve(KEYS);
  }

  /** The keys while they are being written. */
  Path newKeys() {
    return dir.resolve(KEYS + ".new");
  }

  /**
   * Reads the configuration.
   *
   * @throws NoRepositoryException if there is none, and no database either
   * @throws DamagedException if it is missing or damaged
   * @throws UnsupportedFormatException if its format is newer than this version
   */
  RepositoryConfig readConfig() throws StoreException {
    byte[] bytes = readConfigBytes();
    try {
      int version = ConfigFile.formatVersion(bytes);
      if (version > RepositoryConfig.FORMAT_VERSION) {
        throw new UnsupportedFormatException(location(), version, RepositoryConfig.FORMAT_VERSION);
      }
      return ConfigFile.decode(bytes);
    } catch (MalformedRecordException e) {
      throw new DamagedException(config().toString(), OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }

  private byte[] readConfigBytes() throws StoreException {
    if (!Files.isDirectory(dir)) {
      throw new NoRepositoryException(location());
    }
    try (InputStream in = Files.newInputStream(config())) {
      return in.readNBytes(ConfigFile.BYTES_MAX);
    } catch (NoSuchFileException e) {
      if (Files.isDirectory(databaseToRead())) {
        throw new DamagedException(config().toString(), OptionalLong.empty(), "is missing", e);
      }
      throw new NoRepositoryException(location(), e);
    } catch (IOException e) {
      throw StoreErrors.of(location(), "reading " + CONFIG, e);
    }
  }

  /** Whether it is a repository: the configuration is written last. */
  boolean hasConfig() {
    return Files.exists(config());
  }

  /** Writes the configuration. When this returns it is durable, and the repository exists. */
  void writeConfig(RepositoryConfig config) throws IOException {
    write(newConfig(), ConfigFile.encode(config), config());
    Path parent = dir.toAbsolutePath().getParent();
    if (parent != null) {
      sync(parent);
    }
  }

  /** How far the repository has come; see {@link HeadFile}. */
  Path head() {
    return dir.resolve(HEAD);
  }

  /** The same while it is being made. */
  Path newHead() {
    return dir.resolve(HEAD + ".new");
  }

  /** Makes {@link #head} anew. It is durable when this returns. */
  void writeHead(byte[] bytes) throws IOException {
    write(newHead(), bytes, head());
  }

  /** What a repair has lost; see {@link LossMark}. */
  Path incomplete() {
    return dir.resolve(INCOMPLETE);
  }

  /** Replaces {@link #incomplete}. It is durable when this returns. */
  void writeIncomplete(byte[] bytes) throws IOException {
    write(dir.resolve(INCOMPLETE + ".new"), bytes, incomplete());
  }

  /** The keys as they are stored, as far as they may be long; null if there are none. */
  byte @Nullable [] readKeys() throws IOException {
    try (InputStream in = Files.newInputStream(keys())) {
      return in.readNBytes(KeysFile.BYTES_MAX + 1);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Replaces the keys. They are durable when this returns. */
  void writeKeys(byte[] bytes) throws IOException {
    write(newKeys(), bytes, keys());
  }

  private void write(Path temporary, byte[] content, Path target) throws IOException {
    Database.beforeChange.run();
    try (FileChannel file =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
      file.force(true);
    }
    Database.beforeChange.run();
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    sync();
  }

  /** Makes durable which files there are. */
  void sync() throws IOException {
    sync(dir);
  }

  /** Makes what was made, renamed or taken away in a directory durable. */
  static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
