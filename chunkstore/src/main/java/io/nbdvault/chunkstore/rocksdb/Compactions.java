package io.nbdvault.chunkstore.rocksdb;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashSet;
import java.util.Set;
import org.rocksdb.CompactRangeOptions;

/**
 * The compactions that were asked for and run now. One may take minutes, in native code that no
 * interrupt reaches; its options are what ends it early.
 */
final class Compactions {
  @GuardedBy("this")
  private final Set<CompactRangeOptions> running = new HashSet<>();

  @GuardedBy("this")
  private boolean canceled;

  /** One begins; its options are open until it has ended. */
  synchronized void begin(CompactRangeOptions options) {
    if (canceled) {
      options.setCanceled(true);
    }
    running.add(options);
  }

  synchronized void end(CompactRangeOptions options) {
    running.remove(options);
  }

  /** Has all of them end soon, with an error, and all that follow. */
  synchronized void cancel() {
    canceled = true;
    running.forEach(options -> options.setCanceled(true));
  }
}
