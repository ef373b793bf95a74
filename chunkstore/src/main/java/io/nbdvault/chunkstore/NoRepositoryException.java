package io.nbdvault.chunkstore;

import org.jspecify.annotations.Nullable;

/** There is no repository at the place that was named. */
public final class NoRepositoryException extends StoreException {
  private static final long serialVersionUID = 1;

  /**
   * Makes the exception.
   *
   * @param location where none is
   */
  public NoRepositoryException(String location) {
    this(location, null);
  }

  /**
   * Makes the exception.
   *
   * @param location where none is
   * @param cause what was found instead, or null
   */
  public NoRepositoryException(String location, @Nullable Throwable cause) {
    super("There is no repository at " + location + ".", cause);
  }
}
