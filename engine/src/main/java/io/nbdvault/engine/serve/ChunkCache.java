package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.StoreException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Chunks as they are read, decompressed and verified, of all exports together: the least recently
 * used go first. One that two threads want at once is read once. The arrays are used again and
 * again, so that a fast reader makes no garbage.
 *
 * <p>A chunk that somebody holds a lease of stays. Whoever holds one must not ask for another, so
 * there is always one to be had while there are more slots than threads; if not, they wait.
 */
final class ChunkCache {
  /** Reads a chunk and verifies it. */
  @FunctionalInterface
  interface Loader {
    /** Returns its length. */
    int load(ChunkId id, byte[] destination) throws StoreException;
  }

  /** A chunk in memory, or on its way there. */
  private static final class Slot {
    private final byte[] bytes;
    private final CompletableFuture<Integer> length = new CompletableFuture<>();

    /** Guarded by the cache. */
    private int leases = 1;

    Slot(byte[] bytes) {
      this.bytes = bytes;
    }

    boolean failed() {
      return length.isCompletedExceptionally();
    }
  }

  /** A chunk that stays in memory until this is closed. */
  final class Lease implements AutoCloseable {
    private final ChunkId id;
    private final Slot slot;
    private final int length;

    private Lease(ChunkId id, Slot slot, int length) {
      this.id = id;
      this.slot = slot;
      this.length = length;
    }

    /** Its bytes, from the first on; to be read only. */
    byte[] bytes() {
      return slot.bytes;
    }

    int length() {
      return length;
    }

    @Override
    public void close() {
      giveBack(id, slot);
    }
  }

  private final int chunkSizeBytes;
  private final int slotsMax;

  @GuardedBy("this")
  private final Map<ChunkId, Slot> slots = new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private final Deque<byte[]> free = new ArrayDeque<>();

  @GuardedBy("this")
  private int arrays;

  /**
   * @param chunkSizeBytes of the repository
   * @param bytesMax of the chunks
   * @param slotsMin chunks that are kept all the same
   */
  ChunkCache(int chunkSizeBytes, long bytesMax, int slotsMin) {
    this.chunkSizeBytes = chunkSizeBytes;
    this.slotsMax = (int) Math.max(slotsMin, Math.min(1 << 20, bytesMax / chunkSizeBytes));
  }

  /**
   * A chunk, read if it is not here.
   *
   * @throws StoreException what the loader threw, for whoever waited for it too
   * @throws InterruptedIOException if the thread is interrupted, which it then stays
   */
  Lease lease(ChunkId id, Loader loader) throws StoreException, InterruptedIOException {
    Slot slot;
    boolean isMine = false;
    synchronized (this) {
      slot = slots.get(id);
      if (slot == null) {
        slot = new Slot(array());
        // Somebody else may have begun while this waited for an array.
        Slot other = slots.putIfAbsent(id, slot);
        isMine = other == null;
        if (other != null) {
          free.add(slot.bytes);
          slot = other;
        }
      }
      if (!isMine) {
        slot.leases++;
      }
    }
    if (isMine) {
      load(id, slot, loader);
    }
    return await(id, slot);
  }

  /** Reads a chunk ahead of whoever will want it, unless it is here or there is no room now. */
  void readAhead(ChunkId id, Loader loader) throws StoreException {
    Slot slot;
    synchronized (this) {
      Optional<byte[]> array = slots.containsKey(id) ? Optional.empty() : arrayNow();
      if (array.isEmpty()) {
        return;
      }
      slot = new Slot(array.get());
      slots.put(id, slot);
    }
    load(id, slot, loader);
    giveBack(id, slot);
  }

  /** How many bytes the arrays have that were made so far. */
  synchronized long bytes() {
    return (long) arrays * chunkSizeBytes;
  }

  @GuardedBy("this")
  private byte[] array() throws InterruptedIOException {
    while (true) {
      Optional<byte[]> array = arrayNow();
      if (array.isPresent()) {
        return array.get();
      }
      try {
        wait();
      } catch (InterruptedException e) {
        throw interrupted();
      }
    }
  }

  @GuardedBy("this")
  private Optional<byte[]> arrayNow() {
    if (!free.isEmpty()) {
      return Optional.of(free.removeLast());
    }
    if (arrays < slotsMax) {
      arrays++;
      return Optional.of(new byte[chunkSizeBytes]);
    }
    Iterator<Slot> oldestFirst = slots.values().iterator();
    while (oldestFirst.hasNext()) {
      Slot slot = oldestFirst.next();
      if (slot.leases == 0) {
        oldestFirst.remove();
        return Optional.of(slot.bytes);
      }
    }
    return Optional.empty();
  }

  private static void load(ChunkId id, Slot slot, Loader loader) {
    try {
      slot.length.complete(loader.load(id, slot.bytes));
    } catch (StoreException | RuntimeException | Error e) {
      slot.length.completeExceptionally(e);
    }
  }

  private Lease await(ChunkId id, Slot slot) throws StoreException, InterruptedIOException {
    boolean leased = false;
    try {
      Lease lease = new Lease(id, slot, slot.length.get());
      leased = true;
      return lease;
    } catch (InterruptedException e) {
      throw interrupted();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StoreException failure) {
        throw failure;
      }
      throw new IllegalStateException("chunk " + id + " cannot be read", e.getCause());
    } finally {
      if (!leased) {
        giveBack(id, slot);
      }
    }
  }

  private synchronized void giveBack(ChunkId id, Slot slot) {
    slot.leases--;
    if (slot.failed()) {
      boolean unused = slots.remove(id, slot); // Whoever comes now tries again.
    }
    if (slot.leases == 0) {
      if (slot.failed()) {
        free.add(slot.bytes);
      }
      notifyAll();
    }
  }

  private static InterruptedIOException interrupted() {
    Thread.currentThread().interrupt();
    return new InterruptedIOException("interrupted while waiting for a chunk");
  }
}
