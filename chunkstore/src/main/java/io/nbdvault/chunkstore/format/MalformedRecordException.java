package io.nbdvault.chunkstore.format;

/** Stored bytes are not what their format allows. Says where, so that damage can be located. */
public final class MalformedRecordException extends Exception {
  private static final long serialVersionUID = 1;

  private final int offsetBytes;

  /**
   * Makes the exception.
   *
   * @param offsetBytes where in the record the fault lies
   * @param reason what is wrong there
   */
  public MalformedRecordException(int offsetBytes, String reason) {
    super(reason + " (at byte " + offsetBytes + ")");
    this.offsetBytes = offsetBytes;
  }

  /**
   * Makes the exception.
   *
   * @param offsetBytes where in the record the fault lies
   * @param reason what is wrong there
   * @param cause what found it
   */
  public MalformedRecordException(int offsetBytes, String reason, Throwable cause) {
    super(reason + ": " + cause.getMessage() + " (at byte " + offsetBytes + ")", cause);
    this.offsetBytes = offsetBytes;
  }

  /** Where in the record the fault lies. */
  public int offsetBytes() {
    return offsetBytes;
  }

  static void require(boolean holds, int offsetBytes, String what, long found, long expected)
      throws MalformedRecordException {
    if (!holds) {
      require(false, offsetBytes, what, found, Long.toString(expected));
    }
  }

  static void require(boolean holds, int offsetBytes, String what, long found, String expected)
      throws MalformedRecordException {
    if (!holds) {
      throw new MalformedRecordException(
          offsetBytes, what + ": " + found + " (expected: " + expected + ")");
    }
  }
}
