package io.nbdvault.chunkstore.rocksdb;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.rocksdb.CompactRangeOptions;
import org.rocksdb.CompactRangeOptions.BottommostLevelCompaction;
import org.rocksdb.RocksDBException;

/**
 * The compactions that were asked for and run now. One may take minutes, in native code that no
 * interrupt reaches; its options are what ends it early.
 */
final class Compactions {
  private final String location;
  private final DatabaseOptions database;

  @GuardedBy("this")
  private final Set<CompactRangeOptions> running = new HashSet<>();

  @GuardedBy("this")
  private boolean canceled;

  /** A compaction in native code. */
  @FunctionalInterface
  interface Work {
    void run(CompactRangeOptions how) throws RocksDBException;
  }

  /**
   * Makes them known.
   *
   * @param location of the repository, for messages
   * @param database how it is opened, and how much of it may be written a second
   */
  Compactions(String location, DatabaseOptions database) {
    this.location = location;
    this.database = database;
  }

  /** Waits for a compaction to end, which it does soon after this thread is interrupted. */
  void run(Work compaction) throws StoreException {
    try (CompactRangeOptions how =
        new CompactRangeOptions()
            // Others may flush and compact meanwhile.
            .setExclusiveManualCompaction(false)
            // Else files of the last level, where most of it is, would be left alone.
            .setBottommostLevelCompaction(BottommostLevelCompaction.kForce)) {
      FutureTask<@Nullable Void> work =
          new FutureTask<>(
              () -> {
                compaction.run(how);
                return null;
              });
      begin(how);
      try {
        // On a thread of its own, because native code does not see that its thread is interrupted.
        new Thread(work, "nbdvault-compaction").start();
        await(work, how);
      } finally {
        end(how);
      }
    }
  }

  /** Has all of them end soon, with an error, and all that follow. */
  synchronized void cancel() {
    canceled = true;
    running.forEach(how -> how.setCanceled(true));
  }

  /** One begins; its options are open until it has ended. */
  private synchronized void begin(CompactRangeOptions how) {
    if (canceled) {
      how.setCanceled(true);
    }
    running.add(how);
  }

  private synchronized void end(CompactRangeOptions how) {
    running.remove(how);
  }

  private void await(FutureTask<@Nullable Void> work, CompactRangeOptions how)
      throws StoreException {
    boolean interrupted = false;
    while (true) {
      try {
        work.get();
        break;
      } catch (InterruptedException e) {
        how.setCanceled(true);
        // It looks only between two rows, and may be waiting to be allowed to write some.
        database.limitWrites(OptionalLong.empty());
        interrupted = true;
      } catch (ExecutionException e) {
        if (!interrupted && e.getCause() instanceof RocksDBException cause) {
          throw StoreErrors.of(location, "rewriting files", cause);
        }
        if (!interrupted) {
          throw new StoreFailedException("Rewriting files failed: " + e.getCause(), e);
        }
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      Interruption.check("rewriting files");
    }
  }
}
