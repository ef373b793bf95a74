package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.io.IOException;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * An open snapshot that several exports use. Beneath them its reader may be replaced by one of the
 * repository as it is now: each use has one reader from its beginning to its end.
 */
final class SharedSnapshot implements AutoCloseable {
  /** What is done with a reader, which is borrowed. */
  @FunctionalInterface
  interface Use<T> {
    T with(SnapshotReader reader) throws IOException;
  }

  private final StoreMoments owner;
  private final SnapshotRecord record;

  /** Uses hold its read lock; they take no other lock of this package inside. */
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  @GuardedBy("lock")
  private SnapshotReader reader;

  SharedSnapshot(StoreMoments owner, SnapshotReader reader) {
    this.owner = owner;
    this.record = reader.record();
    this.reader = reader;
  }

  SnapshotRecord record() {
    return record;
  }

  <T> T use(Use<T> use) throws IOException {
    lock.readLock().lock();
    try {
      return use.with(reader);
    } finally {
      lock.readLock().unlock();
    }
  }

  /** Takes ownership of another reader of the same snapshot, and closes the one it had. */
  void moveTo(SnapshotReader next) {
    lock.writeLock().lock();
    try {
      reader.close();
      reader = next;
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Closes the reader, once nobody uses it any more. */
  void end() {
    lock.writeLock().lock();
    try {
      reader.close();
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Gives it back, once for each time that it was opened. */
  @Override
  public void close() {
    owner.giveBack(this);
  }
}
