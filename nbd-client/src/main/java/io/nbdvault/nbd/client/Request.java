package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.Command;
import io.netty.buffer.ByteBuf;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One request on the wire and what has come back for it so far. It belongs to the event loop of the
 * connection that took it. This class is a request that is only acknowledged; subclasses take data.
 */
class Request {
  private final Operation<?> operation;
  private final Command command;
  private final long offsetBytes;
  private final long lengthBytes;
  private int flags;
  private @Nullable NbdServerException serverError;
  private int restarts;

  // Kept here for the connection, so that a request in flight is one object.
  long cookie;
  long deadlineNanos;
  boolean replyComplete;
  boolean payloadFlushed;

  Request(Operation<?> operation, Command command, int flags, long offsetBytes, long lengthBytes) {
    this.operation = operation;
    this.command = command;
    this.flags = flags;
    this.offsetBytes = offsetBytes;
    this.lengthBytes = lengthBytes;
  }

  final Operation<?> operation() {
    return operation;
  }

  final Command command() {
    return command;
  }

  /** How many bytes of payload its reply may bring. */
  final long readBytes() {
    return command == Command.READ ? lengthBytes : 0;
  }

  final int flags() {
    return flags;
  }

  final long offsetBytes() {
    return offsetBytes;
  }

  final long lengthBytes() {
    return lengthBytes;
  }

  /** What follows the header, or null; the caller takes ownership of the buffer. */
  @Nullable ByteBuf payload() {
    return null;
  }

  void dataBegins(long offset, int length) throws NbdProtocolException {
    throw unexpected("data");
  }

  void data(ByteBuf in, int length) throws NbdProtocolException {
    throw unexpected("data");
  }

  /** Where the rest of the data could be received to directly; see {@link ReadContent}. */
  @Nullable ByteBuf receiveInto(int lengthBytes) {
    return null;
  }

  void hole(long offset, long length) throws NbdProtocolException {
    throw unexpected("a hole");
  }

  void blockStatus(String contextName, int extentCount) throws NbdProtocolException {
    throw unexpected("a block status");
  }

  void extent(long length, long extentFlags) throws NbdProtocolException {
    throw unexpected("an extent");
  }

  /** The first error counts; whatever else comes, what was asked for is not valid. */
  final void error(int error, String message) {
    if (serverError == null) {
      String where = this + (message.isEmpty() ? " failed" : " failed: " + message);
      serverError = new NbdServerException(NbdErrno.ofCode(error), where);
    }
  }

  /** An extended reply repeats the request's offset. */
  final void requestOffset(long offset) throws NbdProtocolException {
    if (offset != offsetBytes) {
      throw new NbdProtocolException(
          this + ": answered for offset " + Long.toUnsignedString(offset));
    }
  }

  final void errorOffset(long offset) throws NbdProtocolException {
    if (offset < offsetBytes || offset - offsetBytes >= Math.max(lengthBytes, 1)) {
      throw new NbdProtocolException(this + ": error at " + offset + ", outside the request");
    }
  }

  /**
   * Judges the complete reply.
   *
   * @param contextNames the connection's metadata contexts
   * @return why the request failed, or null if it succeeded
   * @throws NbdProtocolException if the connection cannot be trusted any more
   */
  final @Nullable NbdException finish(Set<String> contextNames) throws NbdProtocolException {
    return serverError != null ? serverError : judge(contextNames);
  }

  @Nullable NbdException judge(Set<String> contextNames) throws NbdProtocolException {
    return null;
  }

  /**
   * Makes it as new, to be sent once more after its connection was lost.
   *
   * @return false if it cannot be, or was sent often enough
   */
  final boolean restart() {
    if (restarts >= ClientLimits.RESTARTS_MAX || !forget()) {
      return false;
    }
    restarts++;
    serverError = null;
    return true;
  }

  /** Forgets what has come so far; false if a request of this kind must not be sent twice. */
  boolean forget() {
    return false;
  }

  /** Whether to send it again after it failed; if so, it is as new, perhaps with other flags. */
  boolean retry() {
    return false;
  }

  final @Nullable NbdErrno serverErrno() {
    return serverError == null ? null : serverError.errno();
  }

  final void reset(int newFlags) {
    flags = newFlags;
    serverError = null;
  }

  final NbdProtocolException unexpected(String what) {
    return new NbdProtocolException(this + ": answered with " + what);
  }

  @Override
  public final String toString() {
    return command == Command.FLUSH
        ? "FLUSH"
        : command + " of " + lengthBytes + " bytes at " + offsetBytes;
  }
}
