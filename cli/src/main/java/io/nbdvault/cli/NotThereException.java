package io.nbdvault.cli;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The command line names a file that is not there, or is none. */
final class NotThereException extends IOException {
  private static final long serialVersionUID = 1L;

  NotThereException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
