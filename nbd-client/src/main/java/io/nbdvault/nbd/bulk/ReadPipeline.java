package io.nbdvault.nbd.bulk;

import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.ReadFlag;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A bulk read at work.
 *
 * <p>Everything is planned and sent in {@link #pump}, which runs on one I/O thread of the client,
 * so that the plan needs no lock. Data arrives on any I/O thread and goes to the sink from there;
 * leases are closed on any thread. Both only count, and ask for another turn of the pump; what they
 * may have missed, the turn that comes afterwards sees.
 */
final class ReadPipeline {
  // Far below what a client lets wait, which others may use at the same time.
  private static final int PLACES_MAX = 1024;

  private final NbdClient client;
  private final Selection what;
  private final BulkOptions options;
  private final ExtentSink sink;
  private final Executor executor;
  private final int requestBytes;
  private final int places;
  private final BufferPool pool;
  private final CompletableFuture<Void> future = new CompletableFuture<>();
  private final AtomicBoolean turnDue = new AtomicBoolean();
  private final AtomicInteger placesFree;
  private final AtomicInteger readsInFlight = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  // The pump's own.
  private @Nullable ExtentPlan plan;
  private boolean statusInFlight;

  ReadPipeline(NbdClient client, Selection what, BulkOptions options, ExtentSink sink) {
    this.client = client;
    this.what = what;
    this.options = options;
    this.sink = sink;
    this.executor = client.ioExecutor();
    this.requestBytes = Math.min(options.requestBytes(), client.export().maximumBlockBytes());
    long buffers = options.bufferBytesMax() / requestBytes;
    this.places = (int) Math.max(1, Math.min(buffers, PLACES_MAX));
    this.placesFree = new AtomicInteger(places);
    this.pool = new BufferPool(requestBytes);
  }

  CompletableFuture<Void> future() {
    return future;
  }

  void start() {
    askForTurn();
  }

  void cancel() {
    fail(new CancellationException("the bulk read was cancelled"));
  }

  private void fail(Throwable reason) {
    failure.compareAndSet(null, reason);
    askForTurn();
  }

  private void askForTurn() {
    if (turnDue.compareAndSet(false, true)) {
      executor.execute(this::pump);
    }
  }

  private void pump() {
    turnDue.set(false);
    if (future.isDone()) {
      return;
    }
    try {
      ExtentPlan current = plan;
      if (current == null) {
        current = new ExtentPlan(client.export(), what);
        plan = current;
      }
      turn(current);
    } catch (NbdServerException | RuntimeException | Error e) {
      failure.compareAndSet(null, e);
      end();
    }
  }

  private void turn(ExtentPlan current) {
    if (failure.get() == null) {
      askForStatus(current);
      while (!current.zeroes().isEmpty() && takePlace()) {
        deliverZeroes(current.zeroes().take(Long.MAX_VALUE));
      }
      while (!current.data().isEmpty() && takePlace()) {
        read(Piece.takeFrom(current.data(), requestBytes, options.mergeGapBytes()));
      }
    }
    if (failure.get() != null) {
      current.abandon();
    }
    end();
  }

  private boolean takePlace() {
    // Only the pump takes places, so what it sees free stays free.
    if (failure.get() != null || placesFree.get() == 0) {
      return false;
    }
    placesFree.decrementAndGet();
    return true;
  }

  private void givePlaceBack() {
    placesFree.incrementAndGet();
    askForTurn();
  }

  /** Completes the future if there is nothing left to come. */
  private void end() {
    if (statusInFlight || readsInFlight.get() > 0) {
      return;
    }
    Throwable reason = failure.get();
    if (reason != null) {
      future.completeExceptionally(reason);
    } else if (plan != null && plan.isOver() && placesFree.get() == places) {
      future.complete(null);
    }
  }

  /** Half a window at a time, so that the other half keeps the connections busy meanwhile. */
  private void askForStatus(ExtentPlan current) {
    long half = options.windowBytes() / 2;
    if (statusInFlight || !current.wantsMore(half)) {
      return;
    }
    CompletableFuture<BlockStatus> asked =
        client.blockStatus(current.positionBytes(), Math.min(half, current.unknownBytes()));
    statusInFlight = true;
    // What goes wrong is passed on by statusArrived; the same for reads below.
    CompletableFuture<?> unused =
        asked.whenCompleteAsync(
            (status, problem) -> statusArrived(current, status, problem), executor);
  }

  private void statusArrived(
      ExtentPlan current, @Nullable BlockStatus status, @Nullable Throwable problem) {
    statusInFlight = false;
    if (status != null && failure.get() == null) {
      current.add(status);
    } else if (problem != null) {
      failure.compareAndSet(null, unwrap(problem));
    }
    pump();
  }

  private void deliverZeroes(Run run) {
    Lease lease = new Delivery(1, this::givePlaceBack).lease();
    try {
      sink.zeroes(run.offsetBytes(), run.lengthBytes(), lease);
    } catch (RuntimeException | Error e) {
      lease.close();
      fail(e);
    }
  }

  private void read(Piece piece) {
    Destination destination = new Destination(piece.lengthBytes());
    CompletableFuture<Void> begun;
    try {
      begun =
          client.read(piece.offsetBytes(), piece.lengthBytes(), destination::begin, ReadFlag.DF);
    } catch (RuntimeException e) {
      // Others have filled the client's queue.
      destination.giveBack();
      fail(e);
      return;
    }
    readsInFlight.incrementAndGet();
    CompletableFuture<?> unused =
        begun.whenComplete((done, problem) -> arrived(piece, destination, problem));
  }

  /** The buffer of a read, from the first byte of the reply on. */
  private final class Destination {
    private final int lengthBytes;
    private @Nullable ByteBuffer buffer;

    Destination(int lengthBytes) {
      this.lengthBytes = lengthBytes;
    }

    ByteBuffer begin() {
      ByteBuffer begun = pool.take(lengthBytes);
      buffer = begun;
      return begun;
    }

    void giveBack() {
      if (buffer != null) {
        pool.giveBack(buffer);
      }
      givePlaceBack();
    }
  }

  /** Runs on the I/O thread of the connection that read. */
  private void arrived(Piece piece, Destination destination, @Nullable Throwable problem) {
    if (problem != null) {
      failure.compareAndSet(null, unwrap(problem));
    }
    if (failure.get() != null || destination.buffer == null) {
      destination.giveBack();
    } else {
      deliver(piece, destination, destination.buffer);
    }
    readsInFlight.decrementAndGet();
    askForTurn();
  }

  private void deliver(Piece piece, Destination destination, ByteBuffer buffer) {
    Delivery delivery = new Delivery(piece.wanted().size(), destination::giveBack);
    for (Run run : piece.wanted()) {
      int start = (int) (run.offsetBytes() - piece.offsetBytes());
      DataLease lease = delivery.lease(buffer.slice(start, (int) run.lengthBytes()));
      try {
        if (failure.get() == null) {
          sink.data(run.offsetBytes(), lease);
        } else {
          lease.close();
        }
      } catch (RuntimeException | Error e) {
        lease.close();
        failure.compareAndSet(null, e);
      }
    }
  }

  private static Throwable unwrap(Throwable problem) {
    return problem instanceof CompletionException && problem.getCause() != null
        ? problem.getCause()
        : problem;
  }
}
