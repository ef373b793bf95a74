package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.ProtectedSnapshotException;
import io.nbdvault.chunkstore.SnapshotState;
import java.time.Instant;
import java.util.Optional;

/** What may be decided about a snapshot that is committed, and what its state becomes by that. */
final class StateChanges {
  private StateChanges() {}

  /** Forgets it now, unless it is forgotten already. */
  static Gate.StateChange forget(Instant now) {
    return (id, state) -> {
      if (state.isProtected()) {
        throw new ProtectedSnapshotException(id);
      }
      return state.forgotten().isPresent()
          ? state
          : new SnapshotState(false, Optional.of(now), false);
    };
  }

  /** Brings it back, unless a collection may have taken it apart. */
  static Gate.StateChange undelete() {
    return (id, state) -> {
      if (state.condemned()) {
        throw new NoSuchSnapshotException(id);
      }
      return state.forgotten().isPresent() ? SnapshotState.KEPT : state;
    };
  }

  /** Protects it, or no longer. */
  static Gate.StateChange setProtected(boolean isProtected) {
    return (id, state) -> {
      if (state.forgotten().isPresent()) {
        throw new NoSuchSnapshotException(id);
      }
      return new SnapshotState(isProtected, Optional.empty(), false);
    };
  }
}
