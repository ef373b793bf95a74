package io.nbdvault.chunkstore.model;

import org.jspecify.annotations.Nullable;

/** A verification: finds records that are damaged, and flags their rows. */
final class Flagging implements Actor {
  private enum Phase {
    IDLE,
    FOUND,
    CLAIMED
  }

  private final Store store;
  private Phase phase = Phase.IDLE;
  private int id;
  private Tables.@Nullable Row found;
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
      case IDLE -> find();
      case FOUND -> {
        if (store.has(Guard.FLAGGING_TAKES_CLAIMS)) {
          claim();
        } else {
          flag();
        }
      }
      case CLAIMED -> {
        found = store.now().row(id);
        if (needsFlag()) {
          flag();
        }
        store.endClaim(claim);
        phase = Phase.IDLE;
      }
    }
  }

  private void find() {
    for (id = store.everHit().nextSetBit(0); id >= 0; id = store.everHit().nextSetBit(id + 1)) {
      found = store.now().row(id);
      if (needsFlag()) {
        store.note(() -> "verification finds " + Content.name(id) + " damaged: " + found);
        phase = Phase.FOUND;
        return;
      }
    }
  }

  private boolean needsFlag() {
    Tables.Row row = found;
    Tables.Chunk chunk = store.now().chunkOf(id);
    return row != null && !row.damaged() && chunk != null && !chunk.intact();
  }

  private void claim() {
    if (store.claimOn(id) == null) {
      claim = new Claim(id, Claim.NO_EPOCH);
      store.claim(claim);
      phase = Phase.CLAIMED;
    }
  }

  private void flag() {
    Tables.Row row = found;
    if (row != null && !store.failed()) {
      store.note(() -> "verification flags " + Content.name(id));
      store.now().putRow(id, new Tables.Row(row.ordinal(), row.epoch(), true));
    }
    phase = Phase.IDLE;
  }
}
