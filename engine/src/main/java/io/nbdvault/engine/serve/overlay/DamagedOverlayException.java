package io.nbdvault.engine.serve.overlay;

import java.io.IOException;

/** A file is not an overlay, or is damaged. */
public final class DamagedOverlayException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedOverlayException(String message) {
    super(message);
  }

  DamagedOverlayException(String message, Throwable cause) {
    super(message, cause);
  }
}
