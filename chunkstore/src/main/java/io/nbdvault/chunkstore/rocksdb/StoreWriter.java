package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
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
 * durable with the next commit of anybody, or the next time RocksDB flushes; after {@link
 * WriteTask.Commit} the snapshot and everything written before it is durable. The index row and the
 * record of some content are in one batch, all families are flushed as one, and the catalog row is
 * the last thing written before that, so whatever instant the process is killed at, a catalog row
 * that is there has everything below it.
 *
 * <p>After the first failure the store takes no more writes: what is in memory may not match what
 * is on disk, and only opening it again tells.
 */
final class StoreWriter {
  private static final Logger LOG = LoggerFactory.getLogger(StoreWriter.class);

  private final Database database;
  private final Catalog catalog;
  private final Claims claims;
  private final OrdinalLease ordinals;
  private final long epoch;
  private final BlockingQueue<WriteTask> queue =
      new ArrayBlockingQueue<>(StoreLimits.QUEUE_RECORDS);
  private final Semaphore queueBytes = new Semaphore(StoreLimits.QUEUE_BYTES);

  /** Held for reading while a task is queued, for writing to queue the last one. */
  private final ReentrantReadWriteLock admission = new ReentrantReadWriteLock();

  private final Thread thread;
  private volatile @Nullable StoreException failure;
  private boolean stopped;

  StoreWriter(
      Database database, Catalog catalog, Claims claims, OrdinalLease ordinals, long epoch) {
    this.database = database;
    this.catalog = catalog;
    this.claims = claims;
    this.ordinals = ordinals;
    this.epoch = epoch;
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

  /** Queues content. Blocks while the queue is full. */
  void submit(WriteTask.Content content) throws StoreException, InterruptedException {
    queueBytes.acquire(content.record().length);
    boolean queued = false;
    try {
      queue(content);
      queued = true;
    } finally {
      if (!queued) {
        queueBytes.release(content.record().length);
      }
    }
  }

  /** Makes a snapshot durable, and shows it in the catalog. */
  void commit(SnapshotId id, byte[] row) throws StoreException {
    WriteTask.Commit commit = new WriteTask.Commit(id, row);
    try {
      queue(commit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted before the snapshot was committed.", e);
    }
    Awaiting.result(commit.done());
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
    List<WriteTask.Content> batch = new ArrayList<>(StoreLimits.BATCH_RECORDS);
    while (true) {
      WriteTask next = collect(batch);
      if (!batch.isEmpty()) {
        write(batch);
        batch.clear();
      }
      if (next instanceof WriteTask.Commit commit) {
        commit(commit);
      } else if (next instanceof WriteTask.Stop) {
        return;
      }
    }
  }

  /** Fills a batch with what is queued. Returns what must be done after it, or null. */
  private @Nullable WriteTask collect(List<WriteTask.Content> batch) {
    int bytes = 0;
    WriteTask task = take();
    while (task instanceof WriteTask.Content content) {
      batch.add(content);
      bytes += content.record().length;
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

  private void write(List<WriteTask.Content> batch) {
    StoreException failed = failure;
    if (failed == null) {
      failed = attempt(() -> writeRows(batch));
    }
    for (WriteTask.Content content : batch) {
      queueBytes.release(content.record().length);
      // First from the claims, so that whoever meets the content next asks the index.
      claims.end(content.claim());
      if (failed == null) {
        content.claim().complete(content.record().length);
      } else {
        content.claim().fail(failed);
      }
    }
  }

  private void writeRows(List<WriteTask.Content> batch) throws StoreException {
    ordinals.ensure(batch.size());
    try (Database.Batch rows = database.newBatch()) {
      for (WriteTask.Content content : batch) {
        long ordinal = ordinals.take();
        ContentRecord.seal(content.record(), ordinal);
        rows.put(Family.CHUNK, OrdinalKey.of(ordinal), content.record());
        IndexRow row = new IndexRow(ordinal, content.plainLength(), epoch);
        rows.put(Family.INDEX, content.claim().key().encode(), row.encode());
      }
      database.write(rows);
    }
  }

  private void commit(WriteTask.Commit commit) {
    StoreException failed = failure;
    if (failed == null) {
      failed = attempt(() -> writeCommit(commit));
    }
    if (failed == null) {
      commit.done().complete(null);
    } else {
      commit.done().completeExceptionally(failed);
    }
  }

  private void writeCommit(WriteTask.Commit commit) throws StoreException {
    try (Database.Batch rows = database.newBatch()) {
      catalog.put(rows, commit.id(), commit.row());
      database.write(rows);
    }
    database.flush();
    catalog.committed(commit.id());
  }

  @FunctionalInterface
  private interface Step {
    void run() throws StoreException;
  }

  /** Does a step. Returns what it failed with, which ends all writing, or null. */
  private @Nullable StoreException attempt(Step step) {
    StoreException failed;
    try {
      step.run();
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
