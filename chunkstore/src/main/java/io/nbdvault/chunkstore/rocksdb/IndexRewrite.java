package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rewrites the index once a collection has deleted so many of its rows that it is worth it: the
 * room of rows that were deleted is given back by nothing else. It is done in one go, because its
 * files all overlap, and so needs room for as much again.
 */
final class IndexRewrite {
  private static final Logger LOG = LoggerFactory.getLogger(IndexRewrite.class);

  /** It is worth it from one row in so many. */
  private static final int WORTH_ONE_IN = 20;

  private final Database database;
  private final RepositoryDirectory directory;
  private final ReturnedSpace returned;
  private final Pace pace;
  private long rewrittenBytes;
  private boolean lacksRoom;

  IndexRewrite(
      Database database, RepositoryDirectory directory, ReturnedSpace returned, Pace pace) {
    this.database = database;
    this.directory = directory;
    this.returned = returned;
    this.pace = pace;
  }

  /**
   * Rewrites it if that is worth it and there is room for it. With a limit of bytes a second what
   * backups write meanwhile is under that limit too, and comes first.
   *
   * @param rows of the index before rows were deleted
   * @param removed how many were deleted
   */
  void rewrite(long rows, long removed) throws StoreException {
    if (removed == 0 || removed * WORTH_ONE_IN < rows) {
      return;
    }
    List<Database.Table> before = database.tables(Family.INDEX);
    long size = before.stream().mapToLong(Database.Table::sizeBytes).sum();
    if (directory.usableBytes() <= size + size / 2) {
      LOG.warn("index=not-rewritten reason=no-space bytes={}", size);
      lacksRoom = true;
      return;
    }
    Interruption.check("rewriting the index");
    database.limitWrites(pace.bytesPerSecond());
    try {
      // What is flushed meanwhile comes to level 0.
      returned.count(
          Family.INDEX,
          before,
          table -> table.level() > 0,
          () -> database.compact(Family.INDEX, null, null));
    } finally {
      database.limitWrites(OptionalLong.empty());
    }
    rewrittenBytes += size;
  }

  /** Bytes of files that were rewritten. */
  long rewrittenBytes() {
    return rewrittenBytes;
  }

  /** Whether it was worth it, and there was no room for it. */
  boolean lacksRoom() {
    return lacksRoom;
  }
}
