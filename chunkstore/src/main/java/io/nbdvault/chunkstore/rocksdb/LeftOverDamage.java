package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is listed as damaged and is not, so that no incremental backup has to look for it: content
 * without a row in the index that nothing needs any more, and content that is whole.
 *
 * <p>That nothing needs it is known where it had no row before a collection began to mark, and the
 * mark has found a row for everything that is needed. From then on it can only come back by being
 * put, with a row. Whatever is listed or taken off meanwhile is left alone: a verification beside
 * the collection knows more. All looks at a row and what is done after them are steps of the
 * writer's thread, so nobody changes it in between.
 */
final class LeftOverDamage {
  private static final Logger LOG = LoggerFactory.getLogger(LeftOverDamage.class);

  /** Does something on the writer's thread. */
  @FunctionalInterface
  interface Steps {
    void run(WriteTask.Step.Action action) throws StoreException;
  }

  private final Database database;
  private final ContentReader reader;
  private final DamagedRows damaged;
  private final Steps steps;

  LeftOverDamage(Database database, ContentReader reader, DamagedRows damaged, Steps steps) {
    this.database = database;
    this.reader = reader;
    this.damaged = damaged;
    this.steps = steps;
  }

  /** Notes what is listed without a reason to be seen. Before the mark. */
  void note() throws StoreException {
    steps.run(damaged.doubtful()::clear);
    if (damaged.isEmpty()) {
      return;
    }
    List<IndexKey> listed = new ArrayList<>();
    DamagedRows.forEach(
        database,
        key -> {
          listed.add(key);
          if (listed.size() == StoreLimits.BATCH_RECORDS) {
            steps.run(() -> note(listed));
            listed.clear();
          }
        });
    steps.run(() -> note(listed));
  }

  private void note(List<IndexKey> listed) {
    for (IndexKey key : listed) {
      if (damaged.doubtful().size() < StoreLimits.DAMAGED_KEYS && isDoubtful(key)) {
        damaged.doubtful().add(key);
      }
    }
  }

  private boolean isDoubtful(IndexKey key) {
    try {
      byte[] bytes = reader.rowBytes(key);
      IndexRow row = bytes == null ? null : IndexRow.ifWhole(bytes);
      return bytes == null || (row != null && !row.damaged());
    } catch (StoreException e) {
      // Perhaps the row says that it is damaged. And no step may fail for that: it ends all
      // writing.
      LOG.debug("damaged=\"{}\" kept=true", key, e);
      return false;
    }
  }

  /** Takes it off the list. Only after a mark that has come to its end, and durably condemned. */
  void takeAway() throws StoreException {
    List<IndexKey> keys = new ArrayList<>();
    steps.run(() -> keys.addAll(damaged.doubtful()));
    int[] taken = new int[1];
    for (int from = 0; from < keys.size(); from += StoreLimits.BATCH_RECORDS) {
      Interruption.check("clearing what is not damaged any more");
      List<IndexKey> some = new ArrayList<>();
      int end = Math.min(from + StoreLimits.BATCH_RECORDS, keys.size());
      for (IndexKey key : keys.subList(from, end)) {
        if (isAbsentOrWhole(key)) {
          some.add(key);
        }
      }
      steps.run(() -> taken[0] += takeAway(some));
    }
    if (taken[0] > 0) {
      LOG.info("damaged=cleared count={}", taken[0]);
    }
  }

  /** What its row says is not enough for content that was found damaged once: it is read. */
  private boolean isAbsentOrWhole(IndexKey key) throws StoreException {
    try {
      IndexRow row = reader.lookUp(key);
      if (row != null) {
        reader.check(key, row, false);
      }
      return true;
    } catch (DamagedException | StoreFailedException e) {
      // A verification says what is wrong with it.
      LOG.debug("damaged=\"{}\" kept=true", key, e);
      return false;
    }
  }

  private int takeAway(List<IndexKey> some) throws StoreException {
    int taken = 0;
    try (RowBatch batch = database.newBatch()) {
      for (IndexKey key : some) {
        if (damaged.doubtful().contains(key) && isDoubtful(key)) {
          damaged.remove(batch, key);
          taken++;
        }
      }
      database.write(batch);
    }
    return taken;
  }
}
