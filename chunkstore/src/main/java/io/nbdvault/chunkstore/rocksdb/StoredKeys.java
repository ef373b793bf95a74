package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of an encrypted repository, in two places: a row of the database, which is written
 * first, and the file {@code keys.json}, which can be copied to a safe place. The higher generation
 * is the one that counts, and either makes the other again when it is lost or damaged.
 */
final class StoredKeys {
  private static final Logger LOG = LoggerFactory.getLogger(StoredKeys.class);

  private final RepositoryDirectory directory;
  private final Database database;
  private final String repositoryId;

  StoredKeys(RepositoryDirectory directory, Database database, RepositoryConfig config) {
    this.directory = directory;
    this.database = database;
    this.repositoryId = config.repositoryId();
  }

  static byte[] key() {
    return "keys".getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Reads the newest keys.
   *
   * @throws DamagedException if neither place has them whole
   */
  KeysFile read() throws StoreException {
    byte[] file = readFile();
    byte[] row = readRow();
    try {
      KeysFile fromFile = file == null ? null : decode(file);
      KeysFile fromRow = tryDecode(row);
      if (fromFile == null && fromRow == null) {
        throw damaged("is missing, and so is its copy", null);
      }
      return newer(fromFile, fromRow);
    } catch (MalformedRecordException e) {
      KeysFile fromRow = tryDecode(row);
      if (fromRow == null) {
        throw damaged("" + e.getMessage(), e);
      }
      LOG.warn("keys_file=damaged reason=\"{}\" used=copy", e.getMessage());
      return fromRow;
    }
  }

  /** What is wrong with either place. */
  List<DamagedItem> damage() throws StoreException {
    List<DamagedItem> found = new ArrayList<>();
    check("keys.json", readFile(), found);
    check("copy of keys.json", readRow(), found);
    return found;
  }

  private void check(String what, byte @Nullable [] bytes, List<DamagedItem> found) {
    try {
      if (bytes == null) {
        found.add(new DamagedItem(what, "is missing"));
      } else {
        decode(bytes);
      }
    } catch (MalformedRecordException e) {
      found.add(new DamagedItem(what, "" + e.getMessage()));
    }
  }

  /** Makes whichever place lacks these keys have them. Durable when this returns. */
  void heal(KeysFile keys) throws StoreException {
    byte[] bytes = keys.encode();
    if (!Arrays.equals(readRow(), bytes) || !Arrays.equals(readFile(), bytes)) {
      LOG.warn("keys=healed generation={}", keys.generation());
      write(keys);
    }
  }

  /**
   * Replaces the keys. They are durable when this returns; killed before, one generation or the
   * other counts.
   */
  void write(KeysFile keys) throws StoreException {
    try (RowBatch batch = database.newBatch()) {
      batch.put(Family.DEFAULT, key(), keys.encode());
      database.write(batch);
    }
    database.flush();
    try {
      directory.writeKeys(keys.encode());
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "writing its keys", e);
    }
  }

  private byte @Nullable [] readFile() throws StoreException {
    try {
      return directory.readKeys();
    } catch (IOException e) {
      LOG.warn("keys_file=unreadable", e);
      return null;
    }
  }

  private byte @Nullable [] readRow() throws StoreException {
    try {
      return database.get(Family.DEFAULT, key());
    } catch (DamagedException e) {
      LOG.warn("keys_copy=unreadable", e);
      return null;
    }
  }

  private @Nullable KeysFile tryDecode(byte @Nullable [] row) {
    try {
      return row == null ? null : decode(row);
    } catch (MalformedRecordException e) {
      LOG.warn("keys_copy=damaged reason=\"{}\"", e.getMessage());
      return null;
    }
  }

  private KeysFile decode(byte[] bytes) throws MalformedRecordException {
    KeysFile keys = KeysFile.decode(bytes);
    if (!keys.repositoryId().equals(repositoryId)) {
      throw new MalformedRecordException(
          0, "repository id: " + keys.repositoryId() + " (expected: " + repositoryId + ")");
    }
    return keys;
  }

  private static KeysFile newer(@Nullable KeysFile a, @Nullable KeysFile b) {
    if (a == null || (b != null && b.generation() > a.generation())) {
      return Objects.requireNonNull(b);
    }
    return a;
  }

  private static DamagedException damaged(String reason, @Nullable Throwable cause) {
    return new DamagedException("keys.json", OptionalLong.empty(), reason, cause);
  }
}
