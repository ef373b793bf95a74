package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.Health;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The store: what is on disk, what is in the database's memory over it, and what only the process
 * knows. A crash takes all but the first. All families are flushed as one, so what is on disk is
 * always what was written up to some moment.
 */
final class Store {
  private static final int LEASE_ORDINALS = 32;

  private final Set<Guard> guards;
  private Profile profile;
  private final Trace trace;
  private final Promises promises = new Promises(this);
  private final int[] mediaHits = new int[Content.IDS];
  private final BitSet everHit = new BitSet();
  private int snapshots;
  private int noted;
  private Tables disk = new Tables();

  private Tables now = disk;
  private @Nullable Claim[] claims = new @Nullable Claim[Content.IDS];
  private final List<Session> sessions = new ArrayList<>();
  private final List<Reader> readers = new ArrayList<>();
  private final BitSet hidden = new BitSet();
  private final BitSet condemnedInMemory = new BitSet();
  private boolean gateHeld;
  private boolean collects;
  private boolean failed;
  private int epoch;
  private int nextOrdinal;
  private int leaseEnd;
  private int firstUnwritten;

  Store(Set<Guard> guards, Profile profile, Trace trace) {
    this.guards = EnumSet.copyOf(guards);
    this.profile = profile;
    this.trace = trace;
    open();
  }

  /** The process is killed, and the store is opened again. */
  void crash() {
    note(() -> "CRASH");
    open();
    promises.checkAfterCrash();
  }

  private void open() {
    now = disk.copy();
    claims = new @Nullable Claim[Content.IDS];
    sessions.clear();
    readers.clear();
    hidden.clear();
    condemnedInMemory.clear();
    gateHeld = false;
    collects = false;
    failed = false;
    epoch = now.epoch() + (has(Guard.EPOCH_BUMP_AT_OPEN) ? 1 : 0);
    now.putEpoch(epoch);
    nextOrdinal = now.nextOrdinal();
    firstUnwritten = nextOrdinal;
    leaseEnd = nextOrdinal;
    lease();
    flush();
  }

  boolean has(Guard guard) {
    return guards.contains(guard);
  }

  Profile profile() {
    return profile;
  }

  /** From now on nothing happens that was not asked for. */
  void calmDown() {
    profile = Profile.CALM;
  }

  /** The medium is sound again, and rows are made for the records that have lost theirs. */
  void repairMedium() {
    for (int id = 0; id < Content.IDS; id++) {
      Tables.Row row = now.lastRow(id);
      if (row != null && now.recordOf(id) != null) {
        now.putRow(id, row.with(Health.WHOLE));
      }
    }
    for (int ordinal = 0; ordinal < now.ordinalsEnd(); ordinal++) {
      Tables.Chunk chunk = now.chunk(ordinal);
      if (chunk != null && !chunk.intact()) {
        now.putChunk(ordinal, new Tables.Chunk(chunk.id(), true));
      }
    }
  }

  Promises promises() {
    return promises;
  }

  /** Something happens that a reader of the trace wants to know. */
  void note(Supplier<String> line) {
    noted++;
    trace.note(line);
  }

  /** Grows with all that happens: where it has not, nothing has changed. */
  int happened() {
    return noted + now.writes();
  }

  /** What the database answers. */
  Tables now() {
    return now;
  }

  Tables disk() {
    return disk;
  }

  void flush() {
    disk = now.copy();
  }

  boolean failed() {
    return failed;
  }

  /** The store takes no more writes until it is opened again. */
  void fail() {
    note(() -> "the store fails");
    failed = true;
  }

  int epoch() {
    return epoch;
  }

  void bumpEpoch() {
    epoch++;
    if (has(Guard.EPOCH_BUMP_IS_WRITTEN)) {
      now.putEpoch(epoch);
    }
  }

  int newSnapshot() {
    return snapshots++;
  }

  int snapshotsEnd() {
    return snapshots;
  }

  List<Session> sessions() {
    return sessions;
  }

  List<Reader> readers() {
    return readers;
  }

  /** Snapshots that are written and not yet committed. */
  BitSet hidden() {
    return hidden;
  }

  BitSet condemnedInMemory() {
    return condemnedInMemory;
  }

  /** A snapshot that others may see. */
  Tables.@Nullable Snapshot visible(int snapshot) {
    return hidden.get(snapshot) ? null : now.snapshot(snapshot);
  }

  boolean condemned(int snapshot) {
    Tables.Snapshot row = now.snapshot(snapshot);
    return (row != null && row.state() == Tables.State.CONDEMNED)
        || condemnedInMemory.get(snapshot);
  }

  /** A snapshot to be read or to be a parent; none if that is -1. */
  int chooseSnapshot(Dice dice) {
    for (int attempt = 0; attempt < 4 && snapshots > 0; attempt++) {
      // Mostly among the last ones: of the others few are left.
      int snapshot = Math.max(0, snapshots - 1 - dice.below(dice.oneOf(3, 8, snapshots)));
      if (visible(snapshot) != null
          && !(has(Guard.CONDEMNED_CANNOT_BE_OPENED) && condemned(snapshot))) {
        return snapshot;
      }
    }
    return -1;
  }

  boolean gateFree() {
    return !gateHeld;
  }

  void holdGate(boolean held) {
    gateHeld = held;
  }

  /** Whether this process is at a collection. */
  boolean collects() {
    return collects;
  }

  void setCollects(boolean collecting) {
    collects = collecting;
  }

  @Nullable Claim claimOn(int id) {
    return claims[id];
  }

  void claim(Claim claim) {
    if (claims[claim.id()] != null) {
      throw new IllegalStateException("claimed twice: " + Content.name(claim.id()));
    }
    claims[claim.id()] = claim;
  }

  void endClaim(@Nullable Claim claim) {
    if (claim != null && claims[claim.id()] == claim) {
      claims[claim.id()] = null;
    }
  }

  private void lease() {
    leaseEnd += LEASE_ORDINALS;
    now.putNextOrdinal(leaseEnd);
    if (has(Guard.LEASE_FLUSHED_BEFORE_USE)) {
      flush();
    }
  }

  /** Gives an ordinal, which is not yet written. */
  int takeOrdinal() {
    if (!has(Guard.ORDINALS_NEVER_REUSED)) {
      nextOrdinal = firstFreeOrdinal();
      leaseEnd = nextOrdinal + 1;
    } else if (nextOrdinal == leaseEnd) {
      lease();
    }
    return nextOrdinal++;
  }

  private int firstFreeOrdinal() {
    int free = now.ordinalsEnd();
    while (free > 1 && now.chunk(free - 1) == null) {
      free--;
    }
    return free;
  }

  /** All ordinals that were given have been written. */
  void ordinalsWritten() {
    firstUnwritten = nextOrdinal;
  }

  /** What a sweep that begins now must stay below. */
  int endOrdinal() {
    if (!has(Guard.END_IS_BELOW_WHAT_IS_TO_BE_GIVEN)) {
      return leaseEnd;
    }
    return has(Guard.END_IS_BELOW_WHAT_IS_TO_BE_WRITTEN) ? firstUnwritten : nextOrdinal;
  }

  /** How often the medium has damaged some content. */
  int mediaHits(int id) {
    return mediaHits[id];
  }

  /** All content that the medium has ever damaged. */
  BitSet everHit() {
    return everHit;
  }

  /** The medium damages a record. */
  void damage(Dice dice) {
    int ordinal = dice.below(now.ordinalsEnd());
    while (ordinal > 0 && now.chunk(ordinal) == null) {
      ordinal--;
    }
    Tables.Chunk chunk = now.chunk(ordinal);
    // Nodes seldom: a collection does not get past one.
    if (chunk == null || (Content.isNode(chunk.id()) && !dice.oneIn(4))) {
      return;
    }
    String where = Content.name(chunk.id()) + " at " + ordinal;
    note(() -> "the medium damages " + where);
    mediaHits[chunk.id()]++;
    everHit.set(chunk.id());
    now.putChunk(ordinal, new Tables.Chunk(chunk.id(), false));
    if (chunk.equals(disk.chunk(ordinal))) {
      disk.putChunk(ordinal, new Tables.Chunk(chunk.id(), false));
    }
  }

  /** The medium damages a row of the index. */
  void damageRow(Dice dice) {
    // Nodes seldom: a collection does not get past one.
    int id = dice.below(dice.oneIn(4) ? Content.IDS : Content.CHUNKS);
    while (id > 0 && now.row(id) == null) {
      id--;
    }
    Tables.Row row = now.row(id);
    if (row == null || !row.legible()) {
      return;
    }
    Tables.Row damaged = row.with(dice.oneIn(2) ? Health.TORN : Health.ILLEGIBLE);
    String what = Content.name(id) + " " + damaged;
    note(() -> "the medium damages the row of " + what);
    mediaHits[id]++;
    everHit.set(id);
    now.putRow(id, damaged);
    if (row.equals(disk.row(id))) {
      disk.putRow(id, damaged);
    }
  }
}
