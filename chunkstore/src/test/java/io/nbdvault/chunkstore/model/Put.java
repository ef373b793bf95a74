package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.Health;
import org.jspecify.annotations.Nullable;

/** A session puts one chunk or node: claims it, looks it up, and asks for what must be written. */
final class Put {
  private enum Phase {
    CLAIM,
    FOLLOW,
    LOOK_UP,
    SUBMIT,
    DONE
  }

  private final Store store;
  private final Writer writer;
  private final Session session;
  private final int id;
  private Phase phase;
  private @Nullable Claim mine;
  private @Nullable Claim theirs;
  private Tables.@Nullable Row seen;
  private boolean hit;

  Put(Store store, Writer writer, Session session, int id) {
    this.store = store;
    this.writer = writer;
    this.session = session;
    this.id = id;
    this.phase = store.has(Guard.CLAIM_SPANS_THE_LOOK_UP) ? Phase.CLAIM : Phase.LOOK_UP;
  }

  int id() {
    return id;
  }

  boolean done() {
    return phase == Phase.DONE;
  }

  /** The content was there already. */
  boolean hit() {
    return hit;
  }

  void step() {
    switch (phase) {
      case CLAIM -> claim();
      case FOLLOW -> follow();
      case LOOK_UP -> lookUp();
      case SUBMIT -> submit();
      case DONE -> throw new IllegalStateException("done");
    }
  }

  /** Gives up. What was submitted is written all the same. */
  void abandon() {
    if (mine != null && phase != Phase.DONE) {
      mine.decide(Claim.Decision.ABANDONED);
      store.endClaim(mine);
    }
  }

  private void claim() {
    Claim first = store.claimOn(id);
    if (first == null) {
      mine = new Claim(id, session.epoch());
      store.claim(mine);
      phase = store.has(Guard.CLAIM_SPANS_THE_LOOK_UP) ? Phase.LOOK_UP : Phase.SUBMIT;
    } else if (mayFollow(first)) {
      store.note(() -> session + " follows a claim on " + Content.name(id));
      theirs = first;
      phase = store.has(Guard.SECOND_WAITS_FOR_FIRST) ? Phase.FOLLOW : Phase.DONE;
    }
  }

  private boolean mayFollow(Claim first) {
    if (first.epoch() == Claim.NO_EPOCH) {
      return !store.has(Guard.SWEEP_IS_NEVER_FOLLOWED);
    }
    return first.epoch() >= session.epoch() || !store.has(Guard.FOLLOW_ONLY_NEWER_CLAIMS);
  }

  private void follow() {
    boolean ours = theirs != null && theirs.epoch() == Claim.NO_EPOCH;
    Claim.Decision decision = theirs == null ? Claim.Decision.ABANDONED : theirs.decision();
    if (ours) {
      phase = Phase.DONE;
    } else if (decision == Claim.Decision.ABANDONED) {
      phase = store.has(Guard.SECOND_STORES_IF_FIRST_FAILS) ? Phase.CLAIM : Phase.DONE;
    } else if (decision != Claim.Decision.OPEN) {
      phase = Phase.DONE;
    }
  }

  private void lookUp() {
    seen = store.now().row(id);
    boolean inClaim = store.has(Guard.CLAIM_SPANS_THE_LOOK_UP);
    Tables.Row row = seen;
    if (row != null && row.health() != Health.WHOLE) {
      session.expectHealed(id);
    }
    hit =
        row != null
            && row.legible()
            && !(row.flagged() && store.has(Guard.FLAGGED_COUNTS_AS_ABSENT));
    if (hit && !needsRefresh(row)) {
      store.note(() -> session + " finds " + Content.name(id) + " " + row);
      decide(Claim.Decision.PRESENT);
      store.endClaim(mine);
      session.relied().add(id);
      phase = Phase.DONE;
    } else {
      phase = inClaim ? Phase.SUBMIT : Phase.CLAIM;
    }
  }

  private boolean needsRefresh(Tables.@Nullable Row row) {
    return row != null
        && row.epoch() < session.epoch()
        && store.has(Content.isNode(id) ? Guard.REFRESH_OF_NODES : Guard.REFRESH_ON_HIT);
  }

  private void submit() {
    store.note(() -> session + " puts " + Content.name(id) + (seen == null ? "" : " over " + seen));
    boolean refresh = hit;
    writer.submit(new Writer.Addition(session, id, seen, refresh, mine));
    if (!store.has(Guard.CLAIM_SPANS_THE_WRITE)) {
      store.endClaim(mine);
    }
    decide(Claim.Decision.SUBMITTED);
    phase = Phase.DONE;
  }

  private void decide(Claim.Decision decision) {
    if (mine != null) {
      mine.decide(decision);
    }
  }
}
