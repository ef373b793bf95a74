package io.nbdvault.cli.nbd;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** Reads the map of an export in one metadata context, run by run. */
public final class ExportMap implements AutoCloseable {
  private static final String SIMPLE =
      ": the server speaks no structured replies, without which there are none";

  private final NbdUri uri;
  private final NbdClient client;
  private final String context;

  /** Hears the rows of a map. */
  public interface Rows {
    void row(MapRow row) throws JobException;
  }

  private ExportMap(NbdUri uri, NbdClient client, String context) {
    this.uri = uri;
    this.client = client;
    this.context = context;
  }

  /**
   * Opens the export with this one context.
   *
   * @throws JobException if the server does not have it
   */
  public static ExportMap open(NbdUri uri, String context) throws NbdException, JobException {
    NbdClientOptions options =
        NbdClientOptions.defaults().withConnections(1).withMetaContexts(List.of(context));
    NbdClient client = NbdClient.open(uri, options);
    if (client.export().metaContexts().contains(context)) {
      return new ExportMap(uri, client, context);
    }
    boolean structured = client.export().structuredReplies();
    client.close();
    throw JobException.badRequest(
        uri + " has no metadata context '" + context + "'" + (structured ? others(uri) : SIMPLE));
  }

  private static String others(NbdUri uri) throws NbdException {
    try {
      List<String> names = NbdClient.listMetaContexts(uri, NbdClientOptions.defaults());
      return names.isEmpty() ? ", nor any other" : "; it has " + String.join(", ", names);
    } catch (NbdServerException e) {
      // It does not tell; then there is nothing to add to the sentence.
      return "";
    }
  }

  /** The size of the export. */
  public long sizeBytes() {
    return client.export().sizeBytes();
  }

  /**
   * Tells all runs in ascending order, neighbours of the same status as one.
   *
   * @param cancellation asked between requests
   */
  public void read(Cancellation cancellation, Rows rows)
      throws NbdException, JobException, InterruptedException {
    long size = sizeBytes();
    MapRow pending = null;
    long offset = 0;
    while (offset < size) {
      cancellation.check();
      for (Extent extent : extents(offset, size - offset)) {
        pending = append(pending, offset, extent, rows);
        offset += extent.lengthBytes();
      }
    }
    if (pending != null) {
      rows.row(pending);
    }
  }

  private MapRow append(@Nullable MapRow pending, long offset, Extent extent, Rows rows)
      throws JobException {
    if (pending != null && pending.flags() == extent.flags()) {
      return pending.extended(extent.lengthBytes());
    }
    if (pending != null) {
      rows.row(pending);
    }
    return new MapRow(context, offset, extent.lengthBytes(), extent.flags());
  }

  /** At least one extent; every request has the client's deadline. */
  private List<Extent> extents(long offset, long length) throws NbdException, InterruptedException {
    CompletableFuture<BlockStatus> answer = client.blockStatus(offset, length);
    try {
      return answer.get().contexts().getOrDefault(context, List.of());
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw new IllegalStateException(uri + ": block status failed unexpectedly", e.getCause());
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
