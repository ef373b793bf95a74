package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.OpenFilesException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoreFullException;
import java.io.IOException;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/** What the errors of RocksDB and of the file system mean to whoever uses the store. */
final class StoreErrors {
  /** What strerror says for ENOSPC; RocksDB does not carry the number in every path. */
  private static final String NO_SPACE = "No space left on device";

  /** What strerror says for EMFILE; the system's own limit, ENFILE, has another text. */
  private static final String TOO_MANY_FILES = "Too many open files";

  private StoreErrors() {}

  /**
   * Turns RocksDB's error into the store's.
   *
   * @param what what was being read or written, for the message
   */
  static StoreException of(String location, String what, RocksDBException e) {
    @Nullable Status status = e.getStatus();
    if (isNoSpace(status, e)) {
      return new StoreFullException(location, e);
    }
    if (isOfOpenFiles(e)) {
      return new OpenFilesException(location, e);
    }
    if (status != null && status.getCode() == Status.Code.Corruption) {
      return new DamagedException(what, OptionalLong.empty(), RocksText.brief(e.getMessage()), e);
    }
    return failed(location, what, e);
  }

  /** The same, of opening a database: there a file that is missing is damage, too. */
  static StoreException ofOpening(String location, RocksDBException e) {
    if (!isNoSpace(e.getStatus(), e) && RocksText.isFileGone(e.getMessage())) {
      return new DamagedException(
          "the database of " + location, OptionalLong.empty(), RocksText.brief(e.getMessage()), e);
    }
    return of(location, "the database of " + location, e);
  }

  /** Turns the file system's error into the store's. */
  static StoreException of(String location, String what, IOException e) {
    String message = e.getMessage();
    if (message != null && message.contains(NO_SPACE)) {
      return new StoreFullException(location, e);
    }
    if (isOfOpenFiles(e)) {
      return new OpenFilesException(location, e);
    }
    return failed(location, what, e);
  }

  /** Whether it is only that this process may not open one more file. */
  static boolean isOfOpenFiles(Exception e) {
    return e.getMessage() != null && e.getMessage().contains(TOO_MANY_FILES);
  }

  private static StoreFailedException failed(String location, String what, Exception e) {
    String reason = e.getMessage() == null ? e.toString() : e.getMessage();
    return new StoreFailedException(
        "The repository " + location + " failed (" + what + "): " + reason, e);
  }

  private static boolean isNoSpace(@Nullable Status status, RocksDBException e) {
    String message = e.getMessage();
    return (status != null && status.getSubCode() == Status.SubCode.NoSpace)
        || (message != null && message.contains(NO_SPACE));
  }
}
