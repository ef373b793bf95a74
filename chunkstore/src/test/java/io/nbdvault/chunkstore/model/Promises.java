package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.State;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What callers were told about snapshots, which no crash may take back. */
final class Promises {
  private enum Promise {
    NONE,
    KEPT,
    FORGOTTEN
  }

  private final Store store;
  private Promise[] promises = new Promise[32];

  Promises(Store store) {
    this.store = store;
    Arrays.fill(promises, Promise.NONE);
  }

  /** Something was begun: until it returns, a crash decides. */
  void inDoubt(int snapshot) {
    put(snapshot, Promise.NONE);
  }

  /** A commit, a forget or bringing back has returned, unless the next has begun meanwhile. */
  void returned(int snapshot, boolean kept) {
    if (isKept(store.now().snapshot(snapshot)) == kept) {
      put(snapshot, kept ? Promise.KEPT : Promise.FORGOTTEN);
    }
  }

  void check() {
    for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
      Promise promise = get(snapshot);
      if (promise != Promise.NONE) {
        boolean kept = isKept(store.now().snapshot(snapshot));
        if (kept != (promise == Promise.KEPT)) {
          throw new Breach(Effect.UNDONE, "snapshot " + snapshot + " is not " + promise);
        }
      }
    }
  }

  /** Checks, and takes what is on disk for a promise: it will not change any more. */
  void checkAfterCrash() {
    check();
    for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
      Tables.Snapshot row = store.now().snapshot(snapshot);
      if (row != null) {
        returned(snapshot, isKept(row));
      }
    }
  }

  private static boolean isKept(Tables.@Nullable Snapshot row) {
    return row != null && row.state() == State.KEPT;
  }

  private Promise get(int snapshot) {
    return snapshot < promises.length ? promises[snapshot] : Promise.NONE;
  }

  private void put(int snapshot, Promise promise) {
    if (snapshot >= promises.length) {
      int old = promises.length;
      promises = Arrays.copyOf(promises, 2 * snapshot);
      Arrays.fill(promises, old, promises.length, Promise.NONE);
    }
    promises[snapshot] = promise;
  }
}
