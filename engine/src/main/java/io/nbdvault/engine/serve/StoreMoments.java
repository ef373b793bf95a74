package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The repository, open for reading, as new as whoever asks needs it.
 *
 * <p>A store that is open for reading only shows the moment at which it was opened. So before a
 * name is looked up, the repository's count of commits is compared, and if it has grown the
 * repository is opened anew: at most every {@link ServeLimits#renewalMillisMin}, and for at most a
 * tenth of the time. The snapshots that are open then move over to the new moment, so that the old
 * one's files, which a collection may have deleted, are let go of. A snapshot that is not there any
 * more stays with the moment that has it, until nobody uses it; there are at most {@link
 * ServeLimits#momentsMax} of those, and if so many are held the newest of them stays the newest.
 *
 * <p>Lock order: this, then a {@link SharedSnapshot}'s.
 */
final class StoreMoments implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StoreMoments.class);

  /** An open snapshot, how often it was opened, and which moment it is of. */
  private static final class Entry {
    private final SharedSnapshot snapshot;
    private Moment moment;
    private int users = 1;

    Entry(SharedSnapshot snapshot, Moment moment) {
      this.snapshot = snapshot;
      this.moment = moment;
    }
  }

  private final StoreSource source;
  private final ServeLimits limits;

  @GuardedBy("this")
  private Moment current;

  @GuardedBy("this")
  private final Set<Moment> earlier = identities();

  @GuardedBy("this")
  private final Map<SnapshotId, Entry> open = new HashMap<>();

  @GuardedBy("this")
  private long renewedNanos = System.nanoTime();

  @GuardedBy("this")
  private boolean closed;

  private StoreMoments(StoreSource source, ServeLimits limits, Moment current) {
    this.source = source;
    this.limits = limits;
    this.current = current;
  }

  static StoreMoments open(StoreSource source, ServeLimits limits) throws StoreException {
    OptionalLong commits = source.commits(); // Before: what is committed meanwhile is then news.
    return new StoreMoments(source, limits, Moment.open(source, commits));
  }

  /** The repository as it is now, or was a moment ago. */
  synchronized Moment now() {
    requireOpen();
    try {
      OptionalLong commits = source.commits();
      boolean isNews = commits.isEmpty() || !commits.equals(current.commits());
      if (isNews && mayRenew()) {
        renew(commits);
      }
    } catch (StoreException e) {
      LOG.warn("repository=not-renewed reason=\"{}\"", e.getMessage(), e);
    }
    return current;
  }

  @GuardedBy("this")
  private boolean mayRenew() {
    long waitNanos =
        Math.max(
            TimeUnit.MILLISECONDS.toNanos(limits.renewalMillisMin()), 10 * current.openingNanos());
    return System.nanoTime() - renewedNanos >= waitNanos
        && earlier.size() + 1 < limits.momentsMax();
  }

  @GuardedBy("this")
  private void renew(OptionalLong commits) throws StoreException {
    renewedNanos = System.nanoTime(); // Also if it fails: not again at once.
    Moment next = Moment.open(source, commits);
    earlier.add(current);
    current = next;
    for (Entry entry : open.values()) {
      move(entry);
    }
    closeUnused();
    LOG.debug("repository=renewed commits={} earlier={}", commits, earlier.size());
  }

  @GuardedBy("this")
  private void move(Entry entry) {
    SnapshotId id = entry.snapshot.record().id();
    try {
      SnapshotReader reader = current.store().open(id);
      entry.snapshot.moveTo(reader);
      entry.moment = current;
    } catch (NoSuchSnapshotException e) {
      LOG.info("snapshot={} forgotten=yes served=yes", id);
    } catch (StoreException e) {
      // Where it is it can be read.
      LOG.warn("snapshot={} moved=no reason=\"{}\"", id, e.getMessage(), e);
    }
  }

  @GuardedBy("this")
  private void closeUnused() {
    Set<Moment> used = identities();
    open.values().forEach(entry -> used.add(entry.moment));
    for (Moment moment : List.copyOf(earlier)) {
      if (!used.contains(moment)) {
        earlier.remove(moment);
        moment.store().close();
      }
    }
  }

  private static Set<Moment> identities() {
    return Collections.newSetFromMap(new IdentityHashMap<>());
  }

  /**
   * Opens a snapshot, or shares it. Every call needs a {@link SharedSnapshot#close}.
   *
   * @throws NoSuchSnapshotException if it is not there any more
   * @throws IOException if too many are open
   */
  synchronized SharedSnapshot open(SnapshotId id) throws IOException {
    requireOpen();
    Entry known = open.get(id);
    if (known != null) {
      known.users++;
      return known.snapshot;
    }
    if (open.size() >= limits.snapshotsOpenMax()) {
      throw new IOException("too many snapshots are open: " + open.size());
    }
    SharedSnapshot snapshot = new SharedSnapshot(this, current.store().open(id));
    open.put(id, new Entry(snapshot, current));
    return snapshot;
  }

  synchronized void giveBack(SharedSnapshot snapshot) {
    Entry entry = open.get(snapshot.record().id());
    if (entry == null) {
      return; // Everything was closed before.
    }
    if (--entry.users == 0) {
      open.remove(snapshot.record().id());
      snapshot.end();
      closeUnused();
    }
  }

  /** How many snapshots are open. */
  synchronized int openCount() {
    return open.size();
  }

  /** How many states of the repository are open. */
  synchronized int momentCount() {
    return closed ? 0 : earlier.size() + 1;
  }

  @GuardedBy("this")
  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("closed");
    }
  }

  /** Closes everything. Exports that are still open fail from then on. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    open.values().forEach(entry -> entry.snapshot.end());
    open.clear();
    closeUnused();
    current.store().close();
  }
}
