package io.nbdvault.nbd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * All connections of one client and the queue they work from. They stand and fall together: a
 * server that broke the protocol on one is not to be believed on another, and a caller wants to
 * know at once that its job cannot go on. Only with a {@link Reconnection} does a lost connection
 * leave the others alone, and what it was asked to read go back to the queue.
 *
 * <p>Lock order: this pool, then the queue, then an operation.
 */
final class ConnectionPool {
  private final OperationQueue queue = new OperationQueue();
  private final List<Connection> connections = new CopyOnWriteArrayList<>();
  private final NbdClientOptions options;
  private final Executor executor;
  private final @Nullable Reconnection reconnection;

  @GuardedBy("this")
  private boolean contentChanged;

  @GuardedBy("this")
  private boolean over;

  /**
   * A pool of connections that have entered the same export.
   *
   * @param reopener how to open one more, or null if lost connections are not replaced
   */
  ConnectionPool(
      List<NbdHandshake.Entered> entered,
      NbdClientOptions options,
      Reconnection.@Nullable Reopener reopener) {
    this.options = options;
    for (NbdHandshake.Entered one : entered) {
      connections.add(new Connection(one, options, this));
    }
    this.executor = connections.get(0).executor();
    this.reconnection =
        reopener == null || options.reconnectTimeout().isZero()
            ? null
            : new Reconnection(this, reopener, entered.get(0).export(), options.reconnectTimeout());
  }

  void start() {
    connections.forEach(Connection::start);
  }

  /**
   * Queues an operation and sees to it that somebody takes it.
   *
   * @throws IllegalStateException if too many are waiting
   */
  <T> CompletableFuture<T> submit(Operation<T> operation) {
    if (operation.changesContent()) {
      synchronized (this) {
        contentChanged = true;
      }
    }
    queue.offer(operation);
    wakeFreest();
    return operation.future();
  }

  /** The event loop of the first connection. */
  Executor executor() {
    return executor;
  }

  /** The next request, for a connection with a free place. */
  @Nullable Request take() {
    return queue.take();
  }

  /** A connection is full; whatever is still waiting is for another. */
  void offerToOthers() {
    if (!queue.isEmpty()) {
      wakeFreest();
    }
  }

  private void wakeFreest() {
    // A connection that is full now looks into the queue when its next reply comes: it frees the
    // place first and asks the queue then, and we asked for places after filling the queue.
    Connection freest = null;
    int most = 0;
    for (Connection connection : connections) {
      int places = connection.freePlaces();
      if (places > most) {
        most = places;
        freest = connection;
      }
    }
    if (freest != null) {
      freest.wake();
    }
  }

  /** The server answered ESHUTDOWN: no new requests; disconnect when the last reply is there. */
  void serverShutsDown(NbdServerException reason) {
    synchronized (this) {
      over = true;
    }
    queue.close(reason);
    connections.forEach(Connection::disconnectWhenIdle);
  }

  /**
   * A connection is gone, with these requests on it. Each is either sent again on another one, or
   * its operation fails.
   */
  void connectionEnded(Connection connection, NbdException reason, List<Request> unanswered) {
    List<Request> lost = unanswered;
    Reconnection again = replaces(connection, reason);
    if (again != null && again.lost(reason)) {
      lost = putBack(unanswered);
      offerToOthers();
    } else {
      // First, so that continuations that ask for more are refused at once.
      fail(reason);
    }
    lost.forEach(request -> request.operation().finished(reason));
  }

  /**
   * Who replaces a lost connection, or null. Nobody does once content was changed: the server may
   * have lost what it acknowledged before a flush, and must not be asked to flush the rest.
   */
  private synchronized @Nullable Reconnection replaces(Connection connection, NbdException reason) {
    if (over || contentChanged || !(reason instanceof NbdDisconnectedException)) {
      return null;
    }
    if (reconnection != null) {
      connections.remove(connection);
    }
    return reconnection;
  }

  /** Returns those that cannot be sent again. */
  private List<Request> putBack(List<Request> unanswered) {
    List<Request> lost = new ArrayList<>();
    for (Request request : unanswered) {
      if (!request.restart() || !queue.putBack(request)) {
        lost.add(request);
      }
    }
    return lost;
  }

  /** A replacement for a lost connection; false if it is wanted no more. */
  boolean add(NbdHandshake.Entered entered) {
    Connection connection = new Connection(entered, options, this);
    synchronized (this) {
      if (over) {
        return false;
      }
      connections.add(connection);
    }
    connection.start();
    return true;
  }

  /** Whether some connection still works. */
  boolean hasConnections() {
    return !connections.isEmpty();
  }

  /** Fails what waits and all that comes, and closes every connection. */
  void fail(NbdException reason) {
    synchronized (this) {
      over = true;
    }
    queue.close(reason);
    connections.forEach(connection -> connection.shutDown(reason));
  }

  /** Closes all connections; waits for that unless called on an event loop. */
  void close() {
    fail(new NbdDisconnectedException("the client was closed"));
    if (reconnection != null) {
      reconnection.stop();
    }
    if (EventLoops.onEventLoop()) {
      return;
    }
    connections.forEach(Connection::awaitClosed);
  }
}
