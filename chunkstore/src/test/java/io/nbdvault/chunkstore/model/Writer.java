package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.Health;
import io.nbdvault.chunkstore.model.Tables.State;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The one thread that writes content and snapshots, in the order in which it is asked. */
final class Writer implements Actor {
  /** What it is asked. */
  sealed interface Task {}

  /**
   * Write some content, or its row.
   *
   * @param seen the row that the put found
   * @param refresh whether only the row's epoch is to be written
   */
  record Addition(
      Session session, int id, Tables.@Nullable Row seen, boolean refresh, @Nullable Claim claim)
      implements Task {}

  /** Commit a snapshot. */
  static final class Commit implements Task {
    private final Session session;
    private final int snapshot;
    private final int root;
    private boolean done;
    private boolean succeeded;

    Commit(Session session, int snapshot, int root) {
      this.session = session;
      this.snapshot = snapshot;
      this.root = root;
    }

    boolean isDone() {
      return done;
    }

    boolean succeeded() {
      return succeeded;
    }
  }

  private final Store store;
  private final Deque<Task> queue = new ArrayDeque<>();

  /** Steps of the first task that are done. */
  private int stepsDone;

  private int ordinal;

  Writer(Store store) {
    this.store = store;
  }

  void submit(Task task) {
    if (task instanceof Commit && stepsDone == 0 && !store.has(Guard.COMMIT_FOLLOWS_PUTS)) {
      queue.addFirst(task);
    } else {
      queue.add(task);
    }
  }

  @Override
  public boolean idle() {
    return queue.isEmpty();
  }

  @Override
  public void step(Dice dice) {
    Task task = queue.peek();
    if (task == null) {
      return;
    }
    boolean done;
    if (store.failed()) {
      done = refuse(task);
    } else if (task instanceof Addition content) {
      Tables.Row seen = content.seen();
      done = (seen == null || !content.refresh()) ? writeNew(content) : refresh(content, seen);
    } else {
      done = commit((Commit) task, dice);
    }
    stepsDone++;
    if (done) {
      queue.remove();
      stepsDone = 0;
    }
  }

  private boolean refuse(Task task) {
    if (task instanceof Addition content) {
      store.endClaim(content.claim());
    } else {
      ((Commit) task).done = true;
    }
    return true;
  }

  private boolean writeNew(Addition content) {
    if (stepsDone == 0) {
      ordinal = store.takeOrdinal();
      return false;
    }
    if (stepsDone == 1) {
      store.now().putRow(content.id(), new Tables.Row(ordinal, epochFor(content), Health.WHOLE));
      if (!store.has(Guard.ROW_AND_RECORD_TOGETHER)) {
        return false;
      }
    }
    store.now().putChunk(ordinal, new Tables.Chunk(content.id(), true));
    store.ordinalsWritten();
    return written(content);
  }

  private boolean refresh(Addition content, Tables.Row seen) {
    store
        .now()
        .putRow(content.id(), new Tables.Row(seen.ordinal(), epochFor(content), Health.WHOLE));
    return written(content);
  }

  private int epochFor(Addition content) {
    boolean heals = content.seen() != null && !content.refresh();
    return heals && store.has(Guard.HEALED_ROWS_HAVE_THE_PRESENT_EPOCH)
        ? store.epoch()
        : content.session().epoch();
  }

  private boolean written(Addition content) {
    store.note(() -> "written: " + name(content) + " " + store.now().row(content.id()));
    content.session().written().add(content.id());
    content.session().relied().add(content.id());
    store.endClaim(content.claim());
    return true;
  }

  private static String name(Addition content) {
    return Content.name(content.id());
  }

  private boolean commit(Commit commit, Dice dice) {
    if (stepsDone == 0) {
      store.note(() -> "written: snapshot " + commit.snapshot);
      store.hidden().set(commit.snapshot);
      store.promises().inDoubt(commit.snapshot);
      store.now().putSnapshot(commit.snapshot, new Tables.Snapshot(commit.root, State.KEPT));
      return false;
    }
    if (stepsDone == 1 && dice.oneIn(store.profile().failOneIn())) {
      store.fail();
      return refuse(commit);
    }
    if (!flushed(commit)) {
      return false;
    }
    store.note(() -> "durable: snapshot " + commit.snapshot);
    store.hidden().clear(commit.snapshot);
    store.promises().returned(commit.snapshot, true);
    commit.done = true;
    commit.succeeded = true;
    return true;
  }

  /** Returns whether the commit is durable. */
  private boolean flushed(Commit commit) {
    if (!store.has(Guard.FLUSH_IS_ATOMIC) && stepsDone == 1) {
      store.disk().copyCatalog(store.now());
      return false;
    }
    if (store.has(Guard.COMMIT_FLUSHES_WHAT_IT_RELIES_ON)) {
      store.flush();
      return true;
    }
    Tables now = store.now();
    Tables disk = store.disk();
    disk.copyCounters(now);
    for (int id : commit.session.written()) {
      Tables.Row row = now.row(id);
      if (row != null) {
        disk.putRow(id, row);
        disk.putChunk(row.ordinal(), now.chunk(row.ordinal()));
      }
    }
    disk.putSnapshot(commit.snapshot, now.snapshot(commit.snapshot));
    return true;
  }
}
