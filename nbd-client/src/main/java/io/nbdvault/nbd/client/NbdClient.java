package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.WireString;
import io.netty.channel.EventLoopGroup;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open NBD export (proto.md, "Transmission" and "Request types").
 *
 * <p><b>Pipelining.</b> Any number of threads may call at any time; nothing waits. As many requests
 * as {@link NbdClientOptions} allows are on the wire, on one or more connections; up to 4096 more
 * operations wait inside. One more than that is a caller without back-pressure, and throws {@link
 * IllegalStateException}. There is no order among operations that are in flight together.
 *
 * <p><b>Futures</b> complete on the client's I/O threads: what is attached to them must not block.
 * They fail with an {@link NbdException}: {@link NbdServerException} if the server refused this
 * operation, anything else if the connections are gone, and with them every operation of this
 * client. A broken connection is opened again only if {@link NbdClientOptions#reconnectTimeout}
 * says so. Arguments that no server could accept are refused at once with {@link
 * IllegalArgumentException}.
 *
 * <p><b>Buffers</b> are borrowed until the future completes and not touched afterwards, whatever
 * the outcome. Cancelling a future, or completing it otherwise, gives nothing back earlier: then
 * nobody learns when the buffer is free.
 */
public final class NbdClient implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NbdClient.class);

  private final ExportInfo export;
  private final RequestRules rules;
  private final ConnectionPool pool;

  private NbdClient(ExportInfo export, RequestRules rules, ConnectionPool pool) {
    this.export = export;
    this.rules = rules;
    this.pool = pool;
  }

  /**
   * Ends the I/O threads of all clients for good, for a program that is about to end: a JVM that
   * exits waits 0.3 s for a thread that is in a system call, as one that waits for a socket is.
   * Waits a second or two at most. What is still open is closed, and nothing can be opened any
   * more.
   */
  public static void stopThreads() {
    EventLoops.stop();
  }

  /**
   * Connects, as often as options and server allow, and opens the export. Blocks, at most for the
   * timeouts in the options, once for each connection, and to connect once for each of the host's
   * addresses; how long looking up the host takes is the system's business. If the first connection
   * comes about but a further one does not, the client works with fewer.
   *
   * @throws NbdException if the server cannot be reached, refuses, or breaks the protocol
   * @throws IllegalStateException on one of the client's I/O threads
   */
  public static NbdClient open(NbdUri uri, NbdClientOptions options) throws NbdException {
    List<NbdHandshake.Entered> entered = new ArrayList<>();
    boolean complete = false;
    try {
      EventLoopGroup loops = EventLoops.forClient(uri.tls().isPresent());
      entered.add(enter(uri, options, loops));
      ExportInfo export = entered.get(0).export();
      int wanted = export.canMultiConn() || options.assumeMultiConn() ? options.connections() : 1;
      openMore(uri, options, loops, wanted, entered);
      complete = true;
      return of(entered, options, () -> enter(uri, options, loops));
    } finally {
      if (!complete) {
        entered.forEach(connection -> Connector.abandon(connection.channel()));
      }
    }
  }

  /** A client of connections that have entered the same export. */
  static NbdClient of(
      List<NbdHandshake.Entered> entered,
      NbdClientOptions options,
      Reconnection.@Nullable Reopener reopener) {
    ConnectionPool pool = new ConnectionPool(entered, options, reopener);
    pool.start();
    ExportInfo export = entered.get(0).export();
    return new NbdClient(export, new RequestRules(export, options.strictChecks()), pool);
  }

  private static void openMore(
      NbdUri uri,
      NbdClientOptions options,
      EventLoopGroup loops,
      int wanted,
      List<NbdHandshake.Entered> entered)
      throws NbdException {
    ExportInfo export = entered.get(0).export();
    while (entered.size() < wanted) {
      NbdHandshake.Entered next;
      try {
        next = enter(uri, options, loops);
      } catch (NbdConnectException | NbdDisconnectedException e) {
        // Servers have limits they do not announce, such as qemu-nbd's --shared.
        LOG.warn(
            "event=fewer_connections uri={} wanted={} open={} reason=\"{}\"",
            uri,
            wanted,
            entered.size(),
            e.getMessage());
        return;
      }
      entered.add(next);
      if (!next.export().looksLike(export)) {
        throw new NbdProtocolException(
            "%s: two connections see different exports: %s and %s"
                .formatted(
                    uri,
                    WireString.escape(export.toString()),
                    WireString.escape(next.export().toString())));
      }
    }
  }

  /** One connection, with the metadata contexts that the server has of those in the options. */
  private static NbdHandshake.Entered enter(
      NbdUri uri, NbdClientOptions options, EventLoopGroup loops) throws NbdException {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(uri, options, loops)) {
      if (handshake.headerStyle() != HeaderStyle.SIMPLE && !options.metaContexts().isEmpty()) {
        try {
          var unused = handshake.setMetaContexts(uri.exportName(), options.metaContexts());
        } catch (NbdServerException e) {
          if (e.errno() == NbdErrno.ESHUTDOWN) {
            throw e;
          }
          LOG.debug("event=no_meta_contexts uri={} reason=\"{}\"", uri, e.getMessage());
        }
      }
      return handshake.enter(uri.exportName());
    }
  }

  /**
   * Asks what an export is without opening it. Blocks as {@link #open}.
   *
   * @throws NbdException as {@link #open}; ENOTSUP if the server does not know the question
   */
  public static ExportInfo info(NbdUri uri, NbdClientOptions options) throws NbdException {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(uri, options)) {
      ExportInfo export = handshake.info(uri.exportName());
      handshake.abort();
      return export;
    }
  }

  /**
   * Lists the names of a server's exports; the URI's export name is not used. Blocks as {@link
   * #open}.
   *
   * @throws NbdException as {@link #open}; ENOTSUP or EPERM if the server does not tell
   */
  public static List<String> list(NbdUri uri, NbdClientOptions options) throws NbdException {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(uri, options)) {
      List<NbdHandshake.ListedExport> exports = handshake.list();
      handshake.abort();
      return exports.stream().map(NbdHandshake.ListedExport::name).toList();
    }
  }

  /**
   * Lists the names of the metadata contexts an export has. Blocks as {@link #open}.
   *
   * @throws NbdException as {@link #open}; ENOTSUP if the server has no block status
   */
  public static List<String> listMetaContexts(NbdUri uri, NbdClientOptions options)
      throws NbdException {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(uri, options)) {
      List<String> names = handshake.listMetaContexts(uri.exportName(), List.of());
      handshake.abort();
      return names;
    }
  }

  /** What the server says about the export. */
  public ExportInfo export() {
    return export;
  }

  /**
   * Reads into a new buffer; otherwise as the read into a given one.
   *
   * @param offsetBytes 0..size − length
   * @param lengthBytes at least 1
   * @return a heap buffer from position 0 to its limit
   * @throws IllegalArgumentException if the range is not within the export
   */
  public CompletableFuture<ByteBuffer> read(long offsetBytes, int lengthBytes, ReadFlag... flags) {
    // Not before the range is known to be good: the length may be anything.
    AtomicReference<@Nullable ByteBuffer> destination = new AtomicReference<>();
    return read(
            offsetBytes,
            lengthBytes,
            () -> {
              ByteBuffer buffer = ByteBuffer.allocate(lengthBytes);
              destination.set(buffer);
              return buffer;
            },
            flags)
        .thenApply(
            done -> {
              ByteBuffer read = destination.get();
              return read == null ? ByteBuffer.allocate(0) : read.flip();
            });
  }

  /**
   * Reads as many bytes as remain in {@code destination} (proto.md, "NBD_CMD_READ"). Long reads are
   * split; a range that is not aligned to the server's minimum block size is widened on the wire.
   * On success the position is advanced to the limit; on failure the content is undefined.
   *
   * @param offsetBytes 0..size − remaining
   * @param destination heap or direct, borrowed until the future completes
   * @throws IllegalArgumentException if the range is not within the export, or the buffer read-only
   */
  public CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination, ReadFlag... flags) {
    if (destination.isReadOnly()) {
      throw new IllegalArgumentException("destination: read-only (expected: writable)");
    }
    if (!destination.hasRemaining() && rules.skipsEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return read(offsetBytes, destination.remaining(), () -> destination, flags);
  }

  /**
   * Reads into a buffer that is asked for only when the first byte of the answer arrives, so that
   * requests that wait for the server hold no buffers. Otherwise as the read into a given buffer.
   *
   * @param offsetBytes 0..size − length
   * @param lengthBytes at least 1
   * @param destination asked at most once, on an I/O thread, and not at all if the server answers
   *     with an error only; must not block. The buffer must be writable and have {@code
   *     lengthBytes} remaining; it is borrowed until the future completes
   * @throws IllegalArgumentException if the range is not within the export
   */
  public CompletableFuture<Void> read(
      long offsetBytes, int lengthBytes, Supplier<ByteBuffer> destination, ReadFlag... flags) {
    BlockRange range = rules.widened(offsetBytes, lengthBytes);
    return pool.submit(
        new ReadOperation(range, rules.payloadBytesMax(), rules.wireFlags(flags), destination));
  }

  /**
   * Reads and tells a listener what arrives, holes as such where the server sends them so.
   *
   * @param offsetBytes 0..size − length
   * @param lengthBytes at least 1; split at the server's maximum
   * @param listener what it was told is valid only if the future succeeds
   * @throws IllegalArgumentException if the range is not within the export
   */
  public CompletableFuture<Void> read(
      long offsetBytes, long lengthBytes, ReadListener listener, ReadFlag... flags) {
    BlockRange range = rules.widened(offsetBytes, lengthBytes);
    return pool.submit(
        new ReadEventsOperation(range, rules.payloadBytesMax(), rules.wireFlags(flags), listener));
  }

  /**
   * Asks for the status of a range in every negotiated metadata context, with one request
   * (proto.md, "NBD_CMD_BLOCK_STATUS"). The answer may cover less than was asked for, but covers
   * some of it.
   *
   * @param offsetBytes 0..size − length
   * @param lengthBytes at least 1; without extended headers, of more than 4 GiB − 64 KiB only that
   *     much is asked for
   * @return fails with ENOTSUP if no context was negotiated
   * @throws IllegalArgumentException if the range is not within the export
   */
  public CompletableFuture<BlockStatus> blockStatus(
      long offsetBytes, long lengthBytes, BlockStatusFlag... flags) {
    BlockRange range = rules.widened(offsetBytes, lengthBytes);
    NbdServerException refusal = rules.refusal(Command.BLOCK_STATUS);
    if (refusal != null) {
      return CompletableFuture.failedFuture(refusal);
    }
    int wireFlags = 0;
    for (BlockStatusFlag flag : flags) {
      wireFlags |=
          switch (flag) {
            case REQ_ONE -> NbdProtocol.CMD_FLAG_REQ_ONE;
          };
    }
    return pool.submit(new BlockStatusOperation(range, wireFlags, export));
  }

  /**
   * Writes all that remains in {@code source} (proto.md, "NBD_CMD_WRITE"). Long writes are split,
   * so a failed one may have been written in part. On success the position is advanced to the
   * limit.
   *
   * @param offsetBytes with the length, aligned to the minimum block size or up to the export's end
   * @param source heap or direct, borrowed until the future completes
   * @return fails with EPERM if the export is read-only, ENOTSUP if the server does not offer FUA
   * @throws IllegalArgumentException if the range is not within the export, or not aligned, or a
   *     flag is not {@link WriteFlag#FUA}
   */
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer source, WriteFlag... flags) {
    NbdServerException refusal = rules.refusal(Command.WRITE, flags);
    if (!source.hasRemaining() && rules.skipsEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    rules.checkAligned(offsetBytes, source.remaining());
    if (refusal != null) {
      return CompletableFuture.failedFuture(refusal);
    }
    return pool.submit(
        new WriteOperation(offsetBytes, rules.payloadBytesMax(), rules.wireFlags(flags), source));
  }

  /**
   * Makes a range read as zeroes (proto.md, "NBD_CMD_WRITE_ZEROES").
   *
   * @param offsetBytes with the length, aligned to the minimum block size or up to the export's end
   * @param lengthBytes at least 1; split at 1 GiB
   * @return fails with EPERM if the export is read-only, ENOTSUP if the server does not offer it
   * @throws IllegalArgumentException if the range is not within the export, or not aligned
   */
  public CompletableFuture<Void> writeZeroes(
      long offsetBytes, long lengthBytes, WriteFlag... flags) {
    return range(Command.WRITE_ZEROES, offsetBytes, lengthBytes, flags);
  }

  /**
   * Says that a range's content is of no more use (proto.md, "NBD_CMD_TRIM"); what is read there
   * afterwards is undefined.
   *
   * @param offsetBytes with the length, aligned to the minimum block size or up to the export's end
   * @param lengthBytes at least 1; split at 1 GiB
   * @param flags only {@link WriteFlag#FUA}
   * @return fails with EPERM if the export is read-only, ENOTSUP if the server does not offer it
   * @throws IllegalArgumentException if the range is not within the export, or not aligned
   */
  public CompletableFuture<Void> trim(long offsetBytes, long lengthBytes, WriteFlag... flags) {
    return range(Command.TRIM, offsetBytes, lengthBytes, flags);
  }

  /**
   * Says that a range is going to be read soon (proto.md, "NBD_CMD_CACHE").
   *
   * @param offsetBytes with the length, aligned to the minimum block size or up to the export's end
   * @param lengthBytes at least 1; split at 1 GiB
   * @return fails with ENOTSUP if the server does not offer it
   * @throws IllegalArgumentException if the range is not within the export, or not aligned
   */
  public CompletableFuture<Void> cache(long offsetBytes, long lengthBytes) {
    return range(Command.CACHE, offsetBytes, lengthBytes);
  }

  /**
   * Makes durable (proto.md, "NBD_CMD_FLUSH") every write whose future completed before this call,
   * on whichever connection it went: that is what CAN_MULTI_CONN promises.
   */
  public CompletableFuture<Void> flush() {
    NbdServerException refusal = rules.refusal(Command.FLUSH);
    if (refusal != null) {
      return CompletableFuture.failedFuture(refusal);
    }
    return pool.submit(new RangeOperation(Command.FLUSH, 0, 0, 0));
  }

  private CompletableFuture<Void> range(
      Command command, long offsetBytes, long lengthBytes, WriteFlag... flags) {
    rules.checkAligned(offsetBytes, lengthBytes);
    NbdServerException refusal = rules.refusal(command, flags);
    if (refusal != null) {
      return CompletableFuture.failedFuture(refusal);
    }
    return pool.submit(
        new RangeOperation(command, rules.wireFlags(flags), offsetBytes, lengthBytes));
  }

  /**
   * One of the client's I/O threads, always the same, on which futures may complete. What is
   * executed there must not block.
   */
  public Executor ioExecutor() {
    return pool.executor();
  }

  /** The same client, for callers that want to wait. */
  public BlockingNbdClient blocking() {
    return new BlockingNbdClient(this);
  }

  /**
   * Disconnects. What is in flight or waiting fails; with nothing in flight the server is told so
   * and given half a second to close. Does not wait when called on one of the client's I/O threads.
   */
  @Override
  public void close() {
    pool.close();
  }
}
