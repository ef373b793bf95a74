package io.nbdvault.chunkstore;

import org.jspecify.annotations.Nullable;

/**
 * The process may not open as many files at once as the repository has or needs. Nothing is
 * damaged, and nothing was changed.
 */
public final class OpenFilesException extends StoreException {
  private static final long serialVersionUID = 1;

  /**
   * Makes the exception.
   *
   * @param location the repository
   * @param cause what reported it, or null
   */
  public OpenFilesException(String location, @Nullable Throwable cause) {
    super(
        "The repository "
            + location
            + " needs more files open at once than this process may open. Nothing is damaged;"
            + " raise the limit, as with `ulimit -n 1000000`, and run again.",
        cause);
  }
}
