package io.nbdvault.chunkstore.model;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A backup: pins a parent, puts what is not the parent's, and commits. */
final class Session implements Actor {
  private enum Phase {
    IDLE,
    BEGINNING,
    PUTTING,
    COMMITTING,
    ENDING,
    ENDED
  }

  private final Store store;
  private final Writer writer;
  private Phase phase = Phase.IDLE;
  private int number;
  private int epoch;
  private int parent = -1;
  private int parentRoot = -1;
  private int root;
  private final Deque<Integer> plan = new ArrayDeque<>();
  private @Nullable Put put;
  private Writer.@Nullable Commit commit;
  private final Set<Integer> relied = new HashSet<>();
  private final Set<Integer> written = new HashSet<>();

  /** Content that was flagged when it was put, and how often the medium had hit it by then. */
  private final Map<Integer, Integer> healed = new HashMap<>();

  Session(Store store, Writer writer) {
    this.store = store;
    this.writer = writer;
  }

  @Override
  public String toString() {
    return "session " + number + " of epoch " + epoch;
  }

  @Override
  public boolean idle() {
    return phase == Phase.IDLE || ended();
  }

  boolean ended() {
    return phase == Phase.ENDED;
  }

  /** The number that the snapshot will have. */
  int number() {
    return number;
  }

  int epoch() {
    return epoch;
  }

  /** The parent, while it is pinned; -1 if there is none. */
  int parent() {
    return parent;
  }

  int parentRoot() {
    return parentRoot;
  }

  /** What the session has been told is stored. */
  Set<Integer> relied() {
    return relied;
  }

  /** What the writer has written for this session. */
  Set<Integer> written() {
    return written;
  }

  /** Some content was flagged when it was put: the commit promises that it is not any more. */
  void expectHealed(int id) {
    healed.put(id, store.mediaHits(id));
  }

  @Override
  public void step(Dice dice) {
    if (phase != Phase.IDLE && phase != Phase.ENDING && isEnded(dice)) {
      end("ends");
      return;
    }
    switch (phase) {
      case IDLE -> begin(dice);
      case BEGINNING -> register(dice);
      case PUTTING -> put();
      case COMMITTING -> awaitCommit();
      case ENDING -> unregister();
      case ENDED -> throw new IllegalStateException("ended");
    }
  }

  private boolean isEnded(Dice dice) {
    return phase == Phase.PUTTING && (store.failed() || dice.oneIn(store.profile().abortOneIn()));
  }

  private void begin(Dice dice) {
    if (!store.gateFree() || store.failed() || !dice.oneIn(store.profile().beginOneIn())) {
      return;
    }
    number = store.newSnapshot();
    epoch = store.epoch();
    chooseParent(dice);
    phase = Phase.BEGINNING;
    if (store.has(Guard.EPOCH_FIXED_UNDER_GATE) && store.has(Guard.PARENT_PINNED_UNDER_GATE)) {
      register(dice);
    }
  }

  private void chooseParent(Dice dice) {
    parent = dice.oneIn(3) ? -1 : store.chooseSnapshot(dice);
  }

  private void register(Dice dice) {
    if (!store.gateFree()) {
      return;
    }
    if (store.has(Guard.PARENT_PINNED_UNDER_GATE)) {
      chooseParent(dice);
    }
    if (store.has(Guard.EPOCH_FIXED_UNDER_GATE)) {
      epoch = store.epoch();
    }
    Tables.Snapshot row = parent < 0 ? null : store.visible(parent);
    if (row == null) {
      parent = -1;
    } else {
      parentRoot = row.root();
    }
    store.sessions().add(this);
    plan(dice);
    store.note(
        () ->
            this + " begins, parent " + parent + ", to make " + Content.name(root) + " of " + plan);
    phase = Phase.PUTTING;
  }

  private void plan(Dice dice) {
    int leaf = planLeaf(dice, 0);
    int otherLeaf = planLeaf(dice, 1);
    root = Content.root(leaf, otherLeaf);
    if (root != parentRoot) {
      plan.add(root);
    }
  }

  private int planLeaf(Dice dice, int slot) {
    int old = parentRoot < 0 ? -1 : Content.child(parentRoot, slot);
    if (old >= 0 && dice.oneIn(2)) {
      return old;
    }
    boolean keepsFirst = old >= 0 && dice.oneIn(3);
    boolean keepsSecond = old >= 0 && !keepsFirst && dice.oneIn(2);
    int first = keepsFirst ? Content.child(old, 0) : dice.below(Content.CHUNKS);
    int second = keepsSecond ? Content.child(old, 1) : dice.below(Content.CHUNKS);
    int leaf = Content.leaf(first, second);
    boolean chunksFirst = store.has(Guard.NODE_HIT_SAYS_NOTHING_OF_CHILDREN);
    if (leaf != old && !chunksFirst) {
      plan.add(leaf);
    }
    if (!keepsFirst) {
      plan.add(first);
    }
    if (!keepsSecond) {
      plan.add(second);
    }
    if (leaf != old && chunksFirst) {
      plan.add(leaf);
    }
    return leaf;
  }

  private void put() {
    if (put == null) {
      if (plan.isEmpty()) {
        submitCommit();
      } else {
        put = new Put(store, writer, this, plan.remove());
      }
      return;
    }
    put.step();
    if (put.done()) {
      if (put.hit()
          && Content.isLeaf(put.id())
          && !store.has(Guard.NODE_HIT_SAYS_NOTHING_OF_CHILDREN)) {
        skipChunks();
      }
      put = null;
    }
  }

  private void skipChunks() {
    while (!plan.isEmpty() && !Content.isNode(plan.element())) {
      plan.remove();
    }
  }

  private void submitCommit() {
    commit = new Writer.Commit(this, number, root);
    writer.submit(commit);
    store.note(() -> this + " asks for its commit");
    phase = Phase.COMMITTING;
    if (!store.has(Guard.SESSION_REGISTERED_UNTIL_COMMITTED)) {
      unpin();
    }
  }

  private void awaitCommit() {
    if (commit != null && commit.isDone()) {
      if (commit.succeeded()) {
        checkHealed();
      }
      end(commit.succeeded() ? "is committed" : "has failed");
    }
  }

  private void checkHealed() {
    healed.forEach(
        (id, hits) -> {
          Tables.Chunk chunk = store.now().chunkOf(id);
          if (hits == store.mediaHits(id) && (chunk == null || !chunk.intact())) {
            throw new Breach(
                Effect.LOST, "snapshot " + number + " was given " + Content.name(id) + " damaged");
          }
        });
  }

  private void end(String how) {
    store.note(() -> this + " " + how);
    if (put != null) {
      put.abandon();
      put = null;
    }
    phase = Phase.ENDING;
  }

  private void unregister() {
    if (store.gateFree()) {
      unpin();
      phase = Phase.ENDED;
    }
  }

  private void unpin() {
    store.sessions().remove(this);
    parent = -1;
    parentRoot = -1;
  }
}
