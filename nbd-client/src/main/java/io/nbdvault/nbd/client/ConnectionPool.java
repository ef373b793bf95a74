package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * All connections of one client and the queue they work from. They stand and fall together: a
 * server that broke the protocol on one is not to be believed on another, and a caller wants to
 * know at once that its job cannot go on.
 */
final class ConnectionPool {
  private final OperationQueue queue = new OperationQueue();
  private final List<Connection> connections;

  ConnectionPool(List<NbdHandshake.Entered> entered, NbdClientOptions options) {
    connections = entered.stream().map(h -> new Connection(h, options, this)).toList();
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
    queue.offer(operation);
    wakeFreest();
    return operation.future();
  }

  /** The event loop of the first connection. */
  Executor executor() {
    return connections.get(0).executor();
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
    queue.close(reason);
    connections.forEach(Connection::disconnectWhenIdle);
  }

  /** One connection is gone, so all go. */
  void connectionEnded(NbdException reason) {
    queue.close(reason);
    connections.forEach(connection -> connection.shutDown(reason));
  }

  /** Closes all connections; waits for that unless called on an event loop. */
  void close() {
    NbdException reason = new NbdDisconnectedException("the client was closed");
    queue.close(reason);
    connections.forEach(connection -> connection.shutDown(reason));
    if (EventLoops.onEventLoop()) {
      return;
    }
    try {
      for (Connection connection : connections) {
        connection.awaitClosed();
      }
    } catch (InterruptedException e) {
      // The connections close themselves all the same.
      Thread.currentThread().interrupt();
    }
  }
}
