package io.nbdvault.cli;

import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.Printable;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Tells that a command failed: one line on stderr, and with {@code --json} one on stdout. */
final class ErrorReport {
  private final Surroundings surroundings;
  private final boolean json;

  ErrorReport(Surroundings surroundings, boolean json) {
    this.surroundings = surroundings;
    this.json = json;
  }

  /**
   * Reports what a command threw.
   *
   * @param verbose whether the stack trace follows
   * @return the exit code
   */
  int failed(Throwable error, boolean verbose) {
    int code = exitCode(error);
    report(code, sentence(error));
    if (verbose) {
      error.printStackTrace(surroundings.err());
    }
    return code;
  }

  /** Reports a command line that makes no sense. */
  int misused(String message) {
    report(ExitCode.USAGE, message);
    return ExitCode.USAGE;
  }

  private void report(int code, String message) {
    String line = Printable.line(message);
    surroundings.err().println("nbdvault: " + line);
    surroundings.err().flush();
    if (json) {
      new JsonLines(surroundings.out()).write(JsonLines.error(code, line));
    }
  }

  /**
   * A signal may surface as any error: of the socket that was closed, of the wait that was ended.
   * But a snapshot that is safe stays safe.
   */
  private int exitCode(Throwable error) {
    int code = ExitCode.of(error);
    boolean interrupted = isInterrupted() && code != ExitCode.PARTIAL;
    return interrupted ? ExitCode.INTERRUPTED : code;
  }

  private String sentence(Throwable error) {
    String sentence = describe(error);
    boolean says = sentence.startsWith("interrupted");
    return isInterrupted() && !says ? "interrupted: " + sentence : sentence;
  }

  /** A job's own first failure sets the same switch, but as what it is. */
  private boolean isInterrupted() {
    try {
      surroundings.cancellation().check();
      return false;
    } catch (JobException e) {
      return e.kind() == JobException.Kind.CANCELLED;
    }
  }

  /** An error in a sentence for the person who has it. */
  static String describe(Throwable error) {
    if (error instanceof NoRepositoryException) {
      return JobException.sentence(error) + " Make one with: nbdvault -r REPO init";
    }
    if (error instanceof FileSystemException file) {
      return describe(file);
    }
    if (error instanceof UncheckedIOException wrapped && wrapped.getCause() != null) {
      return describe(wrapped.getCause());
    }
    if (error instanceof InterruptedException) {
      return "interrupted";
    }
    if (error instanceof JobException || error instanceof IOException) {
      return JobException.sentence(error);
    }
    return "this is a bug in nbdvault, please report it with what -v shows: " + error;
  }

  /** Several of these have nothing but the file's name for a message. */
  private static String describe(FileSystemException error) {
    String file = String.valueOf(error.getFile());
    if (error instanceof NoSuchFileException) {
      return file + ": no such file or directory";
    }
    if (error instanceof AccessDeniedException) {
      return file + ": permission denied";
    }
    if (error instanceof FileAlreadyExistsException) {
      return file + ": exists already";
    }
    if (error instanceof DirectoryNotEmptyException) {
      return file + ": the directory is not empty";
    }
    if (error instanceof NotDirectoryException) {
      return file + ": not a directory";
    }
    return file + ": " + (error.getReason() == null ? "failed" : error.getReason());
  }
}
