package io.nbdvault.chunkstore;

import org.jspecify.annotations.Nullable;

/**
 * There is no space left where the repository lies. What is committed is untouched; the store takes
 * no more writes until it is opened again.
 */
public final class StoreFullException extends StoreException {
  private static final long serialVersionUID = 1;

  /**
   * Makes the exception.
   *
   * @param location the repository
   * @param cause what reported it, or null
   */
  public StoreFullException(String location, @Nullable Throwable cause) {
    super(
        "There is no space left on the file system of the repository "
            + location
            + ". Nothing that was committed is affected; free some space and run again.",
        cause);
  }
}
