package io.nbdvault.nbd.server;

import java.io.IOException;

/** There is no export of the name that a client asked for. */
public final class NoSuchExportException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message a sentence that says what was looked for, escaped
   */
  public NoSuchExportException(String message) {
    super(message);
  }
}
