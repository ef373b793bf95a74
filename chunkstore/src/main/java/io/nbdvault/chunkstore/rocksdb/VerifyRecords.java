package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Checks records: the caller's thread reads them in batches, workers check them. There are as many
 * batches as workers, and three: one that is read, two that wait.
 */
final class VerifyRecords {
  private static final int BATCHES_BESIDE_WORKERS = 3;
  private static final AtomicInteger THREADS = new AtomicInteger();

  private final ContentReader reader;
  private final boolean checksumsOnly;
  private final int workers;
  private final VerifyFindings findings;
  private final VerifyMeter meter;
  private final BlockingQueue<VerifyBatch> free;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final ThreadLocal<byte[]> recordBuffer;

  VerifyRecords(
      ContentReader reader,
      boolean checksumsOnly,
      int workers,
      VerifyFindings findings,
      VerifyMeter meter) {
    this.reader = reader;
    this.checksumsOnly = checksumsOnly;
    this.workers = workers;
    this.findings = findings;
    this.meter = meter;
    this.free = new ArrayBlockingQueue<>(workers + BATCHES_BESIDE_WORKERS);
    this.recordBuffer = ThreadLocal.withInitial(() -> new byte[reader.recordLengthMax()]);
  }

  /** Reads and checks everything that the reader has. Returns when all of it is checked. */
  void run(VerifyReader records) throws StoreException {
    for (int i = 0; i < workers + BATCHES_BESIDE_WORKERS; i++) {
      free.add(new VerifyBatch(reader.recordLengthMax()));
    }
    ExecutorService pool = Executors.newFixedThreadPool(workers, VerifyRecords::newThread);
    try {
      while (records.hasNext() && failure.get() == null && !meter.hasEnded()) {
        VerifyBatch batch = free.take();
        batch.clear();
        records.fill(batch);
        meter.advance(batch.count());
        pool.execute(() -> check(batch));
      }
      for (int i = 0; i < workers + BATCHES_BESIDE_WORKERS; i++) {
        free.take();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted while verifying.", e);
    } finally {
      pool.shutdown();
    }
    throwFailure();
  }

  private static Thread newThread(Runnable work) {
    Thread thread = new Thread(work, "nbdvault-verify-" + THREADS.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }

  private void throwFailure() throws StoreException {
    Throwable failed = failure.get();
    if (failed instanceof IllegalStateException closed) {
      throw closed;
    }
    if (failed != null) {
      throw new StoreFailedException("Verifying failed: " + failed, failed);
    }
  }

  private void check(VerifyBatch batch) {
    try {
      for (int i = 0; i < batch.count() && failure.get() == null; i++) {
        byte[] record = recordBuffer.get();
        System.arraycopy(batch.bytes(), batch.offset(i), record, 0, batch.length(i));
        check(record, batch.length(i), batch.ordinal(i));
      }
      findings.addRecords(batch.count(), batch.lengthOfAll());
    } catch (RuntimeException | Error e) {
      // The thread that reads waits for the batch, whatever happens, and then throws this.
      failure.compareAndSet(null, e);
    } finally {
      free.add(batch);
    }
  }

  private void check(byte[] record, int length, long ordinal) {
    try {
      ContentRecord header =
          checksumsOnly
              ? ContentRecord.decode(record, length, ordinal)
              : reader.check(record, length, ordinal);
      IndexRow row = reader.lookUp(new IndexKey(header.type(), header.id()));
      if (row == null || row.ordinal() != ordinal || row.plainLength() != header.plainLength()) {
        findings.suspect(ordinal, "the index has for its id: " + row);
      }
    } catch (MalformedRecordException | StoreException e) {
      findings.suspect(ordinal, "" + e.getMessage());
    }
  }
}
