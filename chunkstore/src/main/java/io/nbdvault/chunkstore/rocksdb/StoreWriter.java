package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import io.nbdvault.chunkstore.tree.Awaiting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that writes. Because there is only one, ordinals ascend in the order in which
 * chunks came, commits are one after the other, and a commit follows everything that was put before
 * it.
 *
 * <p>What a write promises: after {@link WriteTask.Content} the content can be read back and is
 * durable with the next commit of anybody, or the next time RocksDB flushes; after {@link #commit}
 * the snapshot and everything written before it is durable. The index row and the record of some
 * content are in one batch, all families are flushed as one, and the catalog row is the last thing
 * written before that, so whatever instant the process is killed at, a catalog row that is there
 * has everything below it.
 *
 * <p>After the first failure the store takes no more writes: what is in memory may not match what
 * is on disk, and only opening it again tells.
 */
final class StoreWriter {
  private static final Logger LOG = LoggerFactory.getLogger(StoreWriter.class);

  /** What a row takes in a batch besides its record: keys, lengths and the row of the index. */
  private static final int ROW_BYTES_MAX = 256;

  private final Database database;
  private final Catalog catalog;
  private final Claims claims;
  private final Commits commits;
  private final OrdinalLease ordinals;
  private final DamagedRows damaged;
  private final BlockingQueue<WriteTask> queue =
      new ArrayBlockingQueue<>(StoreLimits.QUEUE_RECORDS);
  private final Semaphore queueBytes = new Semaphore(StoreLimits.QUEUE_BYTES);

  /** Held for reading while a task is queued, for writing to queue the last one. */
  private final ReentrantReadWriteLock admission = new ReentrantReadWriteLock();

  private final Thread thread;
  private volatile @Nullable StoreException failure;

  /** The store's epoch: of the writer's thread, once that is started. */
  private long epoch;

  private boolean stopped;

  StoreWriter(
      Database database,
      Catalog catalog,
      Claims claims,
      Commits commits,
      OrdinalLease ordinals,
      DamagedRows damaged) {
    this.database = database;
    this.catalog = catalog;
    this.claims = claims;
    this.commits = commits;
    this.ordinals = ordinals;
    this.damaged = damaged;
    this.thread = new Thread(this::run, "nbdvault-store-writer");
    // A program that ends without closing the store loses nothing that was committed.
    this.thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Whoever waits for this thread must not be this thread. */
  void requireOtherThread() {
    if (Thread.currentThread() == thread) {
      throw new IllegalStateException("the store was called by what one of its futures completes");
    }
  }

  /** Queues a change of a row. Blocks while the queue is full. */
  void submit(WriteTask.RowTask task) throws StoreException, InterruptedException {
    queueBytes.acquire(task.queueBytes());
    boolean queued = false;
    try {
      queue(task);
      queued = true;
    } finally {
      if (!queued) {
        queueBytes.release(task.queueBytes());
      }
    }
  }

  /**
   * Makes a snapshot durable, and shows it in the catalog.
   *
   * @return the record as it is stored, with its commit's number
   */
  SnapshotRecord commit(SnapshotRecord record, SnapshotSeal seal) throws StoreException {
    // Whatever number it gets, it is not too long: failing in a step would end all writing.
    SnapshotFrame.requireFits(record.withCommit(Long.MAX_VALUE));
    SnapshotRecord[] stored = {record};
    run(
        () -> {
          SnapshotRecord numbered = record.withCommit(commits.next());
          try (RowBatch rows = database.newBatch()) {
            catalog.put(rows, record.id(), SnapshotFrame.encode(numbered, seal));
            commits.commit(rows);
          }
          catalog.committed(record.id());
          stored[0] = numbered;
        });
    return stored[0];
  }

  /** Writes a batch that must not be lost, and makes it durable. Only in a step. */
  void commit(RowBatch batch) throws StoreException {
    commits.commit(batch);
  }

  /**
   * Does something on the writer's thread, after everything that was queued before. If it fails the
   * store takes no more writes. Once it is queued it is done whoever is interrupted, so this waits
   * for it: what follows may rely on its not being done behind its back.
   */
  void run(WriteTask.Step.Action action) throws StoreException {
    requireOtherThread();
    WriteTask.Step step = new WriteTask.Step(action);
    try {
      queue(step);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted before it was written.", e);
    }
    Awaiting.uninterruptedResult(step.done());
  }

  /** Rows that heal are of this epoch from now on. Only in a step, or before the start. */
  void beginEpoch(long next) {
    epoch = next;
  }

  /** The ordinal that comes next. Only in a step: then all that is below it was given. */
  long nextOrdinal() {
    return ordinals.next();
  }

  /** Ends the thread after everything that was queued, and gives the unused ordinals back. */
  void stop() {
    requireOtherThread();
    admission.writeLock().lock();
    try {
      if (stopped) {
        return;
      }
      stopped = true;
      queueLast();
    } finally {
      admission.writeLock().unlock();
    }
    joinThread();
    if (failure == null) {
      giveOrdinalsBack();
    }
  }

  private void queue(WriteTask task) throws StoreException, InterruptedException {
    admission.readLock().lock();
    try {
      if (stopped) {
        throw new IllegalStateException("the store is closed");
      }
      StoreException failed = failure;
      if (failed != null) {
        throw failed;
      }
      queue.put(task);
    } finally {
      admission.readLock().unlock();
    }
  }

  private void queueLast() {
    boolean interrupted = false;
    while (true) {
      try {
        queue.put(new WriteTask.Stop());
        break;
      } catch (InterruptedException e) {
        // Closing must end with the thread gone; the interrupt is passed on after that.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void joinThread() {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void giveOrdinalsBack() {
    try {
      ordinals.giveBack();
    } catch (StoreException e) {
      // The lease stays taken: that wastes ordinals and nothing else.
      LOG.warn("ordinals=not-returned", e);
    }
  }

  private void run() {
    List<WriteTask.RowTask> batch = new ArrayList<>(StoreLimits.BATCH_RECORDS);
    while (true) {
      WriteTask next = collect(batch);
      if (!batch.isEmpty()) {
        write(batch);
        batch.clear();
      }
      if (next instanceof WriteTask.Step step) {
        perform(step);
      } else if (next instanceof WriteTask.Stop) {
        return;
      }
    }
  }

  /** Fills a batch with what is queued. Returns what must be done after it, or null. */
  private @Nullable WriteTask collect(List<WriteTask.RowTask> batch) {
    int bytes = 0;
    WriteTask task = take();
    while (task instanceof WriteTask.RowTask row) {
      batch.add(row);
      bytes += row.queueBytes();
      if (batch.size() == StoreLimits.BATCH_RECORDS || bytes >= StoreLimits.BATCH_BYTES) {
        return null;
      }
      task = queue.poll();
    }
    return task;
  }

  private WriteTask take() {
    while (true) {
      try {
        return queue.take();
      } catch (InterruptedException e) {
        // Nobody of ours interrupts this thread, and it must not end while others wait for it.
        LOG.warn("thread={} interrupted", thread.getName(), e);
      }
    }
  }

  private void write(List<WriteTask.RowTask> batch) {
    StoreException failed = failure;
    if (failed == null) {
      failed = attempt(() -> writeRows(batch));
    }
    for (WriteTask.RowTask task : batch) {
      queueBytes.release(task.queueBytes());
      // First from the claims, so that whoever meets the content next asks the index.
      claims.end(task.claim());
      if (task instanceof WriteTask.Removal) {
        task.claim().decide(Claim.Decision.ABANDONED);
      }
      if (failed == null) {
        task.claim().complete(task.outcome());
      } else {
        task.claim().fail(failed);
      }
    }
  }

  private void writeRows(List<WriteTask.RowTask> batch) throws StoreException {
    ordinals.ensure(batch.size());
    int bytes = batch.stream().mapToInt(task -> task.queueBytes() + ROW_BYTES_MAX).sum();
    try (RowBatch rows = database.newBatch(bytes)) {
      for (WriteTask.RowTask task : batch) {
        IndexKey id = task.claim().key();
        byte[] key = id.encode();
        if (task instanceof WriteTask.Content content) {
          rows.put(Family.INDEX, key, putRecord(rows, content).encode());
          damaged.remove(rows, id);
        } else if (task instanceof WriteTask.Refresh refresh) {
          rows.put(Family.INDEX, key, refresh.row().encode());
          if (refresh.row().damaged()) {
            damaged.add(rows, id);
          }
        } else if (task instanceof WriteTask.Removal) {
          rows.delete(Family.INDEX, key);
          damaged.remove(rows, id);
        }
      }
      database.write(rows);
    }
  }

  private IndexRow putRecord(RowBatch rows, WriteTask.Content content) throws StoreException {
    long ordinal = ordinals.take();
    ContentRecord.seal(content.record(), ordinal);
    rows.put(Family.CHUNK, OrdinalKey.of(ordinal), content.record());
    return new IndexRow(
        ordinal, content.plainLength(), content.epoch(epoch), content.record().length, false);
  }

  private void perform(WriteTask.Step step) {
    StoreException failed = failure;
    if (failed == null) {
      failed = attempt(step.action());
    }
    if (failed == null) {
      step.done().complete(null);
    } else {
      step.done().completeExceptionally(failed);
    }
  }

  /** Does a step. Returns what it failed with, which ends all writing, or null. */
  private @Nullable StoreException attempt(WriteTask.Step.Action action) {
    StoreException failed;
    try {
      action.run();
      return null;
    } catch (StoreException e) {
      failed = e;
    } catch (RuntimeException | Error e) {
      // Others wait for this thread: whatever it is, they must be told.
      failed = new StoreFailedException("The store's writer failed: " + e, e);
    }
    LOG.warn("writer=stopped reason={}", failed.getMessage());
    failure = failed;
    return failed;
  }
}
