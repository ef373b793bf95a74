package io.nbdvault.cli;

import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.engine.JobException;

/** What a command's exit status means. The numbers are for scripts and never change. */
public final class ExitCode {
  /** Done. */
  public static final int OK = 0;

  /** Failed; nothing was done that counts. */
  public static final int FAILED = 1;

  /** The command line is wrong, or names a file or anything else that is not there. */
  public static final int USAGE = 2;

  /** Done in part. */
  public static final int PARTIAL = 3;

  /** There is no repository. */
  public static final int NO_REPOSITORY = 10;

  /** The repository is in use by another process. */
  public static final int REPOSITORY_IN_USE = 11;

  /** The password or key is wrong, or missing. */
  public static final int WRONG_PASSWORD = 12;

  /** The VM is being backed up by another run. */
  public static final int VM_BUSY = 13;

  /** Interrupted by a signal. */
  public static final int INTERRUPTED = 130;

  private ExitCode() {}

  static int of(Throwable error) {
    if (error instanceof JobException job) {
      return of(job.kind());
    }
    if (error instanceof NoRepositoryException) {
      return NO_REPOSITORY;
    }
    if (error instanceof RepositoryInUseException) {
      return REPOSITORY_IN_USE;
    }
    if (error instanceof WrongPasswordException) {
      return WRONG_PASSWORD;
    }
    // The store wraps what it is told by who gets a password for it.
    if (error instanceof NotThereException || error.getCause() instanceof NotThereException) {
      return USAGE;
    }
    return error instanceof InterruptedException ? INTERRUPTED : FAILED;
  }

  private static int of(JobException.Kind kind) {
    return switch (kind) {
      case FAILED -> FAILED;
      case BAD_REQUEST -> USAGE;
      case PARTIAL -> PARTIAL;
      case VM_BUSY -> VM_BUSY;
      case CANCELLED -> INTERRUPTED;
    };
  }
}
