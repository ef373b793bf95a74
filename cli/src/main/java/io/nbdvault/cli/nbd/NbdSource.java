package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.bulk.BulkOptions;
import io.nbdvault.nbd.bulk.BulkRead;
import io.nbdvault.nbd.bulk.DataLease;
import io.nbdvault.nbd.bulk.ExtentReader;
import io.nbdvault.nbd.bulk.ExtentSink;
import io.nbdvault.nbd.bulk.Lease;
import io.nbdvault.nbd.bulk.Selection;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An export that is read. Buffers go from its replies to the destination as they are; each is a
 * place of the bulk read until the destination is done with it, which is the back-pressure.
 */
final class NbdSource implements CopySource {
  /**
   * How far ahead of the data extents are known. What a destination has to keep of blocks that are
   * not complete, or that are not their turn, is within this distance too.
   */
  private static final long WINDOW_BYTES = 64L << 20;

  private final NbdUri uri;
  private final NbdClient client;
  private final BulkOptions bulkOptions;

  private NbdSource(NbdUri uri, NbdClient client, BulkOptions bulkOptions) {
    this.uri = uri;
    this.client = client;
    this.bulkOptions = bulkOptions;
  }

  static NbdSource open(NbdUri uri, CopyOptions options) throws NbdException {
    NbdClient client =
        NbdClient.open(
            uri,
            NbdClientOptions.defaults()
                .withConnections(options.connections())
                .withRequestsInFlightMaxPerConnection(options.requests()));
    return new NbdSource(
        uri,
        client,
        new BulkOptions(
            options.requestBytes(),
            options.bufferBytesMax(),
            WINDOW_BYTES,
            BulkOptions.defaults().mergeGapBytes()));
  }

  @Override
  public String name() {
    return uri.toString();
  }

  @Override
  public OptionalLong sizeBytes() {
    return OptionalLong.of(client.export().sizeBytes());
  }

  @Override
  public Transfer start(CopyDestination destination, CopyTally tally) {
    Flow flow = new Flow(destination, tally);
    flow.begin();
    return flow;
  }

  @Override
  public void close() {
    client.close();
  }

  /** From the bulk read to the destination. */
  private final class Flow implements Transfer, ExtentSink {
    private final CopyDestination destination;
    private final CopyTally tally;
    private final CompletableFuture<Void> future = new CompletableFuture<>();
    private final AtomicReference<@Nullable JobException> refusal = new AtomicReference<>();
    private volatile @Nullable BulkRead bulk;

    Flow(CopyDestination destination, CopyTally tally) {
      this.destination = destination;
      this.tally = tally;
    }

    void begin() {
      BulkRead begun = ExtentReader.start(client, Selection.allocated(), bulkOptions, this);
      bulk = begun;
      if (refusal.get() != null) {
        begun.cancel();
      }
      var unused = begun.future().whenComplete((done, problem) -> ended(problem));
    }

    private void ended(@Nullable Throwable problem) {
      JobException refused = refusal.get();
      if (refused != null) {
        future.completeExceptionally(refused);
      } else if (problem != null) {
        future.completeExceptionally(
            JobException.failed("reading from " + uri, Failures.unwrap(problem)));
      } else {
        future.complete(null);
      }
    }

    @Override
    public void data(long offsetBytes, DataLease data) {
      int bytes = data.buffer().remaining();
      var unused =
          destination
              .write(offsetBytes, data.buffer())
              .whenComplete(
                  (done, problem) -> {
                    tally.data(problem == null ? bytes : 0);
                    settle(data, problem);
                  });
    }

    @Override
    public void zeroes(long offsetBytes, long lengthBytes, Lease lease) {
      var unused =
          destination
              .zero(offsetBytes, lengthBytes)
              .whenComplete(
                  (done, problem) -> {
                    tally.zero(problem == null ? lengthBytes : 0);
                    settle(lease, problem);
                  });
    }

    private void settle(Lease lease, @Nullable Throwable problem) {
      if (problem != null) {
        refusal.compareAndSet(null, CopySource.notWritten(destination, Failures.unwrap(problem)));
        cancel();
      }
      lease.close();
    }

    @Override
    public CompletableFuture<Void> future() {
      return future;
    }

    @Override
    public void cancel() {
      BulkRead begun = bulk;
      if (begun != null) {
        begun.cancel();
      }
    }
  }
}
