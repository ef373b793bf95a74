package io.nbdvault.chunkstore;

/**
 * The password, key file or private key opens none of the repository's key slots, or is missing.
 */
public final class WrongPasswordException extends StoreException {
  private static final long serialVersionUID = 1;

  private WrongPasswordException(String message) {
    super(message, null);
  }

  /** One was given. No more is said, whatever was tried. */
  public static WrongPasswordException wrong(String location) {
    return new WrongPasswordException("Wrong password or key for the repository " + location + ".");
  }

  /** None was given. */
  public static WrongPasswordException missing(String location) {
    return new WrongPasswordException(
        "The repository " + location + " is encrypted, and no password or key was given.");
  }
}
