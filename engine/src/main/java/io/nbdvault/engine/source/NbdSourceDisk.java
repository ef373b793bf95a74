package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.client.ReadFlag;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A disk read over NBD: from QEMU's own export of it, or from any server. */
public final class NbdSourceDisk implements SourceDisk {
  private final Description description;
  private final @Nullable String dirtyContext;
  private final NbdClient client;

  /**
   * What is known of the disk apart from its content.
   *
   * @param expectedBytes an estimate of what will be read; capped by the disk's size
   */
  public record Description(
      String name,
      String format,
      Optional<String> fullReason,
      Optional<Checkpoint> checkpoint,
      long expectedBytes) {}

  private NbdSourceDisk(Description description, @Nullable String dirtyContext, NbdClient client) {
    this.description = description;
    this.dirtyContext = dirtyContext;
    this.client = client;
  }

  /**
   * Connects to a disk. With {@code dirtyContext}, the name of a dirty bitmap's metadata context,
   * only what is dirty there needs reading. No request may take longer than {@code requestTimeout}.
   *
   * @throws NbdException when the server cannot be reached, or does not offer the bitmap
   */
  public static NbdSourceDisk open(
      Description description,
      NbdUri uri,
      Optional<String> dirtyContext,
      int connections,
      Duration requestTimeout)
      throws NbdException {
    List<String> contexts = new ArrayList<>();
    contexts.add(BaseAllocation.CONTEXT);
    dirtyContext.ifPresent(contexts::add);
    NbdClient client =
        NbdClient.open(
            uri,
            NbdClientOptions.defaults()
                .withConnections(connections)
                .withRequestTimeout(requestTimeout)
                .withMetaContexts(contexts));
    boolean opened = false;
    try {
      NbdSourceDisk disk = over(description, dirtyContext, uri, client);
      opened = true;
      return disk;
    } finally {
      if (!opened) {
        client.close();
      }
    }
  }

  /**
   * Reads by a client that is there already, and is closed with the disk.
   *
   * @param client has asked for {@code base:allocation}, and for {@code dirtyContext}
   * @throws NbdException when the server does not offer the bitmap
   */
  public static NbdSourceDisk over(
      Description description, Optional<String> dirtyContext, NbdUri uri, NbdClient client)
      throws NbdException {
    String dirty = dirtyContext.orElse(null);
    if (dirty != null && !client.export().metaContexts().contains(dirty)) {
      throw new NbdProtocolException(uri + " does not offer the metadata context " + dirty);
    }
    return new NbdSourceDisk(description, dirty, client);
  }

  @Override
  public String name() {
    return description.name();
  }

  @Override
  public long sizeBytes() {
    return client.export().sizeBytes();
  }

  @Override
  public String format() {
    return description.format();
  }

  @Override
  public Optional<String> fullReason() {
    return description.fullReason();
  }

  @Override
  public Optional<Checkpoint> checkpoint() {
    return description.checkpoint();
  }

  @Override
  public long expectedBytes() {
    return Math.min(description.expectedBytes(), sizeBytes());
  }

  @Override
  public CompletableFuture<List<SourceExtent>> extents(long offsetBytes, long lengthBytes) {
    if (!client.export().metaContexts().contains(BaseAllocation.CONTEXT)) {
      // A server that knows nothing of allocation: all of it has to be read.
      return CompletableFuture.completedFuture(
          List.of(new SourceExtent(offsetBytes, lengthBytes, ExtentKind.DATA)));
    }
    return client
        .blockStatus(offsetBytes, lengthBytes)
        .thenApply(s -> merge(s, dirtyContext, lengthBytes));
  }

  /** Walks the allocation and the bitmap side by side, as far as both go. */
  static List<SourceExtent> merge(
      BlockStatus status, @Nullable String dirtyContext, long lengthBytes) {
    List<Extent> allocation = status.contexts().getOrDefault(BaseAllocation.CONTEXT, List.of());
    List<Extent> dirty =
        dirtyContext == null
            ? List.of(new Extent(lengthBytes, BaseAllocation.DIRTY))
            : status.contexts().getOrDefault(dirtyContext, List.of());
    List<SourceExtent> merged = new ArrayList<>(allocation.size() + dirty.size());
    ExtentCursor a = new ExtentCursor(allocation);
    ExtentCursor d = new ExtentCursor(dirty);
    long offset = status.offsetBytes();
    long end = offset + lengthBytes;
    while (offset < end && a.hasCurrent() && d.hasCurrent()) {
      long length = Math.min(end - offset, Math.min(a.left(), d.left()));
      append(merged, new SourceExtent(offset, length, kind(a.flags(), d.flags())));
      a.skip(length);
      d.skip(length);
      offset += length;
    }
    if (merged.isEmpty()) {
      throw new IllegalStateException("block status at " + status.offsetBytes() + " is empty");
    }
    return merged;
  }

  /** Only the ZERO flag lets a range be skipped: HOLE alone is data. */
  private static ExtentKind kind(long allocation, long dirty) {
    if ((allocation & BaseAllocation.ZERO) != 0) {
      return ExtentKind.ZERO;
    }
    return (dirty & BaseAllocation.DIRTY) != 0 ? ExtentKind.DATA : ExtentKind.UNCHANGED;
  }

  private static void append(List<SourceExtent> extents, SourceExtent next) {
    int last = extents.size() - 1;
    if (last >= 0 && extents.get(last).kind() == next.kind()) {
      SourceExtent before = extents.get(last);
      extents.set(
          last,
          new SourceExtent(
              before.offsetBytes(), before.lengthBytes() + next.lengthBytes(), next.kind()));
    } else {
      extents.add(next);
    }
  }

  @Override
  public CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination) {
    // The extents already say that this is data: one read and one chunk instead of several.
    return client.export().canDf()
        ? client.read(offsetBytes, destination, ReadFlag.DF)
        : client.read(offsetBytes, destination);
  }

  @Override
  public void close() {
    client.close();
  }
}
