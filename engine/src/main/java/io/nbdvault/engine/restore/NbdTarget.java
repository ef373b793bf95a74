package io.nbdvault.engine.restore;

import io.nbdvault.engine.source.NbdSourceDisk;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.ExportInfo;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A disk behind an NBD server: somebody else's, or one we started on an image or a device. */
final class NbdTarget implements RestoreTarget {
  private static final int PIECE_BYTES = 1 << 20;
  private static final long ZERO_REQUEST_BYTES = 64L << 20;

  private final NbdUri uri;
  private final NbdClient client;
  private final ExportInfo export;
  private final boolean startsZeroed;

  private NbdTarget(NbdUri uri, NbdClient client, boolean startsZeroed) {
    this.uri = uri;
    this.client = client;
    this.export = client.export();
    this.startsZeroed = startsZeroed;
  }

  /**
   * Connects.
   *
   * @param startsZeroed whether the caller knows that the disk reads as zeroes
   */
  static NbdTarget connect(NbdUri uri, int connections, boolean startsZeroed) throws NbdException {
    return connect(uri, connections, startsZeroed, List.of(BaseAllocation.CONTEXT));
  }

  private static NbdTarget connect(
      NbdUri uri, int connections, boolean startsZeroed, List<String> contexts)
      throws NbdException {
    NbdClientOptions options =
        NbdClientOptions.defaults().withConnections(connections).withMetaContexts(contexts);
    return new NbdTarget(uri, NbdClient.open(uri, options), startsZeroed);
  }

  /**
   * Connects to a disk that is to be compared.
   *
   * @param dirtyContext the metadata context that {@link #current} is going to need
   */
  static NbdTarget connectToCompare(NbdUri uri, int connections, Optional<String> dirtyContext)
      throws NbdException {
    List<String> contexts = new ArrayList<>(List.of(BaseAllocation.CONTEXT));
    dirtyContext.ifPresent(contexts::add);
    return connect(uri, connections, false, contexts);
  }

  /** What the disk holds, read over the same connections: a server may take no others. */
  SourceDisk current(NbdSourceDisk.Description description, Optional<String> dirtyContext)
      throws NbdException {
    return NbdSourceDisk.over(description, dirtyContext, uri, client);
  }

  long sizeBytes() {
    return export.sizeBytes();
  }

  boolean readOnly() {
    return export.readOnly();
  }

  @Override
  public String name() {
    return uri.toString();
  }

  @Override
  public boolean startsZeroed() {
    return startsZeroed;
  }

  /** Whether the first {@code lengthBytes} read as zeroes; stops at the first that does not. */
  boolean isZero(long lengthBytes) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(PIECE_BYTES);
    long position = 0;
    while (position < lengthBytes) {
      Extent extent = allocation(position, lengthBytes - position);
      if ((extent.flags() & BaseAllocation.ZERO) == 0
          && !readsAsZero(position, extent.lengthBytes(), piece)) {
        return false;
      }
      position += extent.lengthBytes();
    }
    return true;
  }

  private Extent allocation(long offset, long left) throws IOException {
    long length = Math.min(left, 1L << 30);
    if (!export.metaContexts().contains(BaseAllocation.CONTEXT)) {
      return new Extent(length, 0);
    }
    BlockStatus status = await(client.blockStatus(offset, length));
    Extent first = status.contexts().getOrDefault(BaseAllocation.CONTEXT, List.of()).get(0);
    return new Extent(Math.min(first.lengthBytes(), length), first.flags());
  }

  private boolean readsAsZero(long offset, long length, ByteBuffer piece) throws IOException {
    ByteBuffer zeroes = ByteBuffer.allocate(PIECE_BYTES);
    long end = offset + length;
    for (long position = offset; position < end; position += PIECE_BYTES) {
      int bytes = (int) Math.min(PIECE_BYTES, end - position);
      piece.clear().limit(bytes);
      await(client.read(position, piece));
      piece.flip();
      if (!piece.equals(zeroes.clear().limit(bytes))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source) throws IOException {
    await(client.write(offsetBytes, source));
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes) throws IOException {
    long end = offsetBytes + lengthBytes;
    if (!export.canWriteZeroes()) {
      ByteBuffer zeroes = ByteBuffer.allocate(PIECE_BYTES);
      for (long position = offsetBytes; position < end; position += PIECE_BYTES) {
        zeroes.clear().limit((int) Math.min(PIECE_BYTES, end - position));
        write(position, zeroes);
      }
      return;
    }
    for (long position = offsetBytes; position < end; position += ZERO_REQUEST_BYTES) {
      await(client.writeZeroes(position, Math.min(ZERO_REQUEST_BYTES, end - position)));
    }
  }

  @Override
  public void complete() throws IOException {
    if (export.canFlush()) {
      await(client.flush());
    }
  }

  @Override
  public void publish() {
    // An NBD disk has been under its own name from the start.
  }

  @Override
  public void close() {
    client.close();
  }

  private static <T> T await(CompletableFuture<T> future) throws IOException {
    try {
      return future.get(); // Every request has the client's deadline.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw new IOException(e.getCause());
    }
  }
}
