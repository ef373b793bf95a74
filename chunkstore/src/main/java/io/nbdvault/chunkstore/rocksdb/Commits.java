package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes durable whatever must not be lost once it was said to be done, and counts how often: a
 * commit's number is in the database, written with the commit, and then in the file {@code head}.
 * So the database may be ahead of the file, after a kill, but if it is behind then it has lost
 * something. Belongs to the writer's thread; before that runs and after it has ended, to whoever
 * opens and closes the store.
 */
final class Commits {
  private static final Logger LOG = LoggerFactory.getLogger(Commits.class);

  private final Database database;
  private final HeadFile head;
  private long last;
  private long nextOrdinal = 1;
  private boolean headWhole;

  private Commits(Database database, HeadFile head, long last, boolean headWhole) {
    this.database = database;
    this.head = head;
    this.last = last;
    this.headWhole = headWhole;
  }

  /** Goes on from the last commit of a database that has lost none. */
  static Commits begin(Database database, HeadFile head) throws StoreException {
    HeadFile.State state = head.read();
    state
        .damage()
        .forEach(item -> LOG.warn("head=\"{}\" damaged=\"{}\"", item.what(), item.reason()));
    long last = Counter.COMMITS.readIfThere(database).orElse(0);
    return new Commits(database, head, last, state.damage().isEmpty());
  }

  RowBatch newBatch() {
    return database.newBatch();
  }

  /** The number that the next commit gets. */
  long next() {
    return Math.addExact(last, 1);
  }

  /** Puts the first ordinal that is not leased into a batch. */
  void putNextOrdinal(RowBatch batch, long ordinal) throws StoreException {
    Counter.NEXT_ORDINAL.put(batch, ordinal);
    nextOrdinal = ordinal;
  }

  /** Writes a batch. It is durable when this returns, and so is all that was written before. */
  void commit(RowBatch batch) throws StoreException {
    long number = next();
    Counter.COMMITS.put(batch, number);
    database.write(batch);
    database.flush();
    last = number;
    writeHead();
  }

  private void writeHead() {
    try {
      if (headWhole) {
        head.write(last, nextOrdinal);
      } else {
        head.make(last, nextOrdinal);
        headWhole = true;
        LOG.info("head=made commit={}", last);
      }
    } catch (IOException e) {
      // What it is about is durable, so nobody may be told that it failed. A file that is behind
      // notices less, until the next commit.
      LOG.warn("head=not-written commit={}", last, e);
    }
  }
}
