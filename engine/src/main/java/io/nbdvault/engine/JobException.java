package io.nbdvault.engine;

import org.jspecify.annotations.Nullable;

/** A job that could not be done. The message is one sentence for the person who asked for it. */
public final class JobException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why; what a caller may want to tell apart. */
  public enum Kind {
    /** Something went wrong while working. */
    FAILED,
    /** The request names what is not there, or is ambiguous; nothing was changed. */
    BAD_REQUEST,
    /** Done, but not all that belongs to it. */
    PARTIAL,
    /** Another run is backing up this VM. */
    VM_BUSY,
    /** The user or the system asked to stop. */
    CANCELLED
  }

  private final Kind kind;

  public JobException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public JobException(Kind kind, String message) {
    this(kind, message, null);
  }

  /** A failure in one sentence. */
  public static JobException failed(String message) {
    return new JobException(Kind.FAILED, message);
  }

  /** A failure with what caused it; the cause's own sentence is appended. */
  public static JobException failed(String message, Throwable cause) {
    return new JobException(Kind.FAILED, message + ": " + sentence(cause), cause);
  }

  /** A request that cannot be met as it was put. */
  public static JobException badRequest(String message) {
    return new JobException(Kind.BAD_REQUEST, message);
  }

  public Kind kind() {
    return kind;
  }

  /** The message of an error, or its type where it has none. */
  public static String sentence(Throwable error) {
    String message = error.getMessage();
    return message == null || message.isBlank() ? error.getClass().getSimpleName() : message;
  }
}
