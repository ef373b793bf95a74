package io.nbdvault.chunkstore;

import org.jspecify.annotations.Nullable;

/** The store failed in a way that none of the other exceptions names. */
public final class StoreFailedException extends StoreException {
  private static final long serialVersionUID = 1;

  /**
   * Makes the exception.
   *
   * @param message a sentence for people
   * @param cause what reported it, or null
   */
  public StoreFailedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
