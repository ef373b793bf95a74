package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiffVisitor;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.SnapshotSelector;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Shows in what two snapshots differ. */
public final class DiffJob {
  private final ChunkStore store;
  private final Cancellation cancellation;

  public DiffJob(ChunkStore store, Cancellation cancellation) {
    this.store = store;
    this.cancellation = cancellation;
  }

  /** The two that are compared. */
  public record Pair(SnapshotRecord from, SnapshotRecord to) {}

  /**
   * Finds the snapshots.
   *
   * @param from as {@link SnapshotSelector} takes it
   * @param to likewise
   * @param disks names of those that are compared; empty for all
   * @throws JobException of kind {@code BAD_REQUEST} if one of them is not there, or neither has
   *     one of the disks
   */
  public Pair select(String from, String to, Set<String> disks) throws IOException, JobException {
    Pair pair = new Pair(SnapshotSelector.select(store, from), SnapshotSelector.select(store, to));
    Set<String> present = new TreeSet<>();
    for (SnapshotRecord snapshot : List.of(pair.from(), pair.to())) {
      snapshot.disks().forEach(disk -> present.add(disk.name()));
    }
    for (String disk : new TreeSet<>(disks)) {
      if (!present.contains(disk)) {
        throw JobException.badRequest(
            "neither snapshot has a disk '"
                + disk
                + "' (they have: "
                + String.join(", ", present)
                + ")");
      }
    }
    return pair;
  }

  /**
   * Compares. The cost grows with the number of differences, not with the size of the disks.
   *
   * @param disks names of those that are compared; empty for all
   */
  public void run(Pair pair, Set<String> disks, DiffVisitor visitor)
      throws IOException, JobException {
    cancellation.check();
    Interrupting interrupting = new Interrupting(cancellation);
    try {
      store.diff(pair.from().id(), pair.to().id(), new Chosen(disks, visitor));
    } catch (CancelledException | StoreException e) {
      cancellation.check(); // Then that is the reason.
      throw e;
    } finally {
      interrupting.end();
    }
  }

  /** Shows the chosen disks only, and stops when the job is cancelled. */
  private final class Chosen implements DiffVisitor {
    private final Set<String> disks;
    private final DiffVisitor visitor;

    Chosen(Set<String> disks, DiffVisitor visitor) {
      this.disks = disks;
      this.visitor = visitor;
    }

    @Override
    public boolean disk(String name, Optional<DiskRecord> from, Optional<DiskRecord> to)
        throws IOException {
      return (disks.isEmpty() || disks.contains(name)) && visitor.disk(name, from, to);
    }

    @Override
    public void range(long offsetBytes, long lengthBytes) throws IOException {
      if (cancellation.isCancelled()) {
        throw new CancelledException();
      }
      visitor.range(offsetBytes, lengthBytes);
    }
  }

  /** Carries a cancellation out of a walk. */
  private static final class CancelledException extends IOException {
    private static final long serialVersionUID = 1;

    CancelledException() {
      super("cancelled");
    }
  }
}
