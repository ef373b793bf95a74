package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.ExportInfo;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** An export that is overwritten. */
final class NbdDestination implements CopyDestination {
  /** To flush, or to zero much at once, takes a slow disk longer than the usual deadline. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /**
   * Small enough to find most of what is sparse in an image, and large enough that the parts of all
   * buffers together stay well within what a client lets wait.
   */
  private static final int ZERO_GRAIN_BYTES = 64 << 10;

  private final NbdUri uri;
  private final NbdClient client;
  private final BlockAssembler assembler;
  private final BlockSink sink;

  private NbdDestination(NbdUri uri, NbdClient client, boolean alreadyZero) {
    this.uri = uri;
    this.client = client;
    ExportInfo export = client.export();
    this.assembler =
        new BlockAssembler(
            new NbdBlocks(client, alreadyZero),
            client::read,
            export.minimumBlockBytes(),
            export.sizeBytes());
    // Zeroes that would have to be sent in full are as well sent as part of the data.
    this.sink =
        alreadyZero || export.canWriteZeroes()
            ? new ZeroSplitter(assembler, ZERO_GRAIN_BYTES)
            : assembler;
  }

  /**
   * Connects.
   *
   * @throws JobException if the export cannot be written; nothing has been then
   */
  static NbdDestination open(NbdUri uri, CopyOptions options) throws NbdException, JobException {
    NbdClient client =
        NbdClient.open(
            uri,
            NbdClientOptions.defaults()
                .withConnections(options.connections())
                .withRequestsInFlightMaxPerConnection(options.requests())
                .withRequestTimeout(PATIENCE)
                .withProgressTimeout(PATIENCE)
                .withMetaContexts(List.of()));
    if (client.export().readOnly()) {
      client.close();
      throw JobException.failed(uri + " is read-only");
    }
    return new NbdDestination(uri, client, options.destinationIsZero());
  }

  long sizeBytes() {
    return client.export().sizeBytes();
  }

  @Override
  public String name() {
    return uri.toString();
  }

  @Override
  public boolean isWrittenInPlace() {
    return true;
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    // Only a source of unknown size comes so far.
    if (offsetBytes > sizeBytes() - data.remaining()) {
      return CompletableFuture.failedFuture(
          JobException.failed("the source is longer than the " + sizeBytes() + " bytes of " + uri));
    }
    return sink.write(offsetBytes, data);
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    return sink.zero(offsetBytes, lengthBytes);
  }

  @Override
  public CompletableFuture<Void> finish(long sizeBytes) {
    return assembler
        .finish()
        .thenCompose(
            done ->
                client.export().canFlush()
                    ? client.flush()
                    : CompletableFuture.completedFuture(null));
  }

  @Override
  public void publish() {
    // An export has been under its own name from the start.
  }

  @Override
  public void close() {
    client.close();
  }
}
