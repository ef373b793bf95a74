package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.Health;
import org.jspecify.annotations.Nullable;

/**
 * A verification: finds records that are damaged and flags their rows; finds rows that are damaged
 * and makes them anew from their records, or takes them away.
 */
final class Flagging implements Actor {
  private enum Phase {
    IDLE,
    FOUND,
    CLAIMED,
    DECIDED
  }

  private final Store store;
  private Phase phase = Phase.IDLE;
  private int id;
  private Tables.@Nullable Row mended;
  private @Nullable Claim claim;

  Flagging(Store store) {
    this.store = store;
  }

  @Override
  public boolean idle() {
    return phase == Phase.IDLE;
  }

  @Override
  public void step(Dice dice) {
    switch (phase) {
      case IDLE -> find(dice);
      case FOUND -> {
        if (store.has(Guard.FLAGGING_TAKES_CLAIMS)) {
          claim();
        } else {
          write();
        }
      }
      case CLAIMED -> {
        mended = mending();
        phase = Phase.DECIDED;
      }
      case DECIDED -> {
        write();
        store.endClaim(claim);
      }
    }
  }

  private void find(Dice dice) {
    int first = dice.below(Content.IDS);
    for (int i = 0; i < Content.IDS && phase == Phase.IDLE; i++) {
      id = (first + i) % Content.IDS;
      mended = store.everHit().get(id) ? mending() : null;
      if (mended != null) {
        store.note(() -> "verification finds " + Content.name(id) + " damaged");
        phase = Phase.FOUND;
      }
    }
  }

  /** What is to be written instead of a row; null if nothing is to be done, or not yet. */
  private Tables.@Nullable Row mending() {
    Tables.Row row = store.now().row(id);
    if (row == null || row.flagged()) {
      return null;
    }
    Tables.Chunk chunk = store.now().chunkOf(id);
    boolean intact = chunk != null && chunk.intact();
    return switch (row.health()) {
      case TORN -> intact ? new Tables.Row(row.ordinal(), store.epoch(), Health.WHOLE) : takeAway();
      case ILLEGIBLE -> takeAway();
      default -> intact || chunk == null ? null : row.with(Health.FLAGGED);
    };
  }

  private Tables.@Nullable Row takeAway() {
    Tables.Row row = store.now().row(id);
    return row == null || mustStay() ? null : row.with(Health.TAKEN_AWAY);
  }

  /** Something may need the row's record that no mark has seen or will see. */
  private boolean mustStay() {
    return (store.has(Guard.ROWS_STAY_BESIDE_SESSIONS) && !store.sessions().isEmpty())
        || (store.has(Guard.ROWS_STAY_BESIDE_COLLECTION) && store.collects())
        || (store.has(Guard.ROWS_STAY_UNTIL_KILLED_SWEEP_ENDS) && store.now().collection() != null);
  }

  private void claim() {
    if (store.claimOn(id) == null) {
      claim = new Claim(id, Claim.NO_EPOCH);
      store.claim(claim);
      phase = Phase.CLAIMED;
    }
  }

  private void write() {
    Tables.Row row = mended;
    if (row != null && !store.failed()) {
      store.note(() -> "verification writes " + Content.name(id) + " " + row);
      Tables.Row there = store.now().row(id);
      boolean deletes = row.health() == Health.TAKEN_AWAY && there != null && there.legible();
      store.now().putRow(id, deletes ? null : row);
    }
    phase = Phase.IDLE;
  }
}
