package io.nbdvault.engine.serve.overlay;

import java.io.IOException;

/** An overlay is open elsewhere. */
public final class OverlayInUseException extends IOException {
  private static final long serialVersionUID = 1L;

  OverlayInUseException(String message) {
    super(message);
  }
}
