package io.nbdvault.nbd.client;

import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.unix.Errors;
import java.io.FileNotFoundException;
import java.nio.channels.ClosedChannelException;

/** What the operating system's errors mean to a person, without the names of calls. */
final class ConnectionFailure {
  private ConnectionFailure() {}

  /** Why no connection came about. */
  static String connecting(Throwable cause) {
    if (cause instanceof ConnectTimeoutException) {
      return "no answer in time";
    }
    if (cause instanceof FileNotFoundException) {
      return "there is no such socket";
    }
    String words = words(cause);
    int address = words.indexOf(": "); // Netty appends it; the caller's message has it already.
    return address < 0 ? words : words.substring(0, address);
  }

  /** Why a connection that stood is gone. */
  static String lost(Throwable cause) {
    boolean closed =
        cause instanceof ClosedChannelException
            || (cause instanceof Errors.NativeIoException error
                && (error.expectedErr() == Errors.ERRNO_ECONNRESET_NEGATIVE
                    || error.expectedErr() == Errors.ERRNO_EPIPE_NEGATIVE));
    return closed ? "the server closed the connection" : "connection lost: " + words(cause);
  }

  /** Netty writes {@code call(..) failed with error(-13): Permission denied}. */
  private static String words(Throwable cause) {
    String message = cause.getMessage();
    if (message == null) {
      return cause.getClass().getSimpleName();
    }
    String prefix = "failed with error(";
    int call = message.indexOf(prefix);
    int colon = call < 0 ? -1 : message.indexOf("): ", call);
    return colon < 0 ? message : message.substring(colon + 3);
  }
}
