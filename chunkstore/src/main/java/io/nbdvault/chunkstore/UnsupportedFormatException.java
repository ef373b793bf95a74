package io.nbdvault.chunkstore;

/** The repository was written in a format that this version does not read. */
public final class UnsupportedFormatException extends StoreException {
  private static final long serialVersionUID = 1;

  private final int found;
  private final int supported;

  /**
   * Makes the exception.
   *
   * @param location the repository
   * @param found its format version
   * @param supported the newest format version that can be read
   */
  public UnsupportedFormatException(String location, int found, int supported) {
    super(
        "The repository "
            + location
            + " has format version "
            + found
            + "; this version of nbdvault reads up to "
            + supported
            + ". Use a newer nbdvault.",
        null);
    this.found = found;
    this.supported = supported;
  }

  /** The repository's format version. */
  public int found() {
    return found;
  }

  /** The newest format version that can be read. */
  public int supported() {
    return supported;
  }
}
