package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.engine.serve.overlay.Overlay;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.engine.serve.overlay.OverlayHeader;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The overlays that are open: one for a disk of a snapshot, whoever writes to it, so that all its
 * connections see the same. It is flushed and let go of with the last of them.
 */
final class SharedOverlays {
  private static final Logger LOG = LoggerFactory.getLogger(SharedOverlays.class);

  private static final class Entry {
    private final Overlay overlay;
    private int users;

    Entry(Overlay overlay) {
      this.overlay = overlay;
    }
  }

  private final OverlayDirectory directory;

  @GuardedBy("this")
  private final Map<OverlayHeader, Entry> open = new HashMap<>();

  SharedOverlays(OverlayDirectory directory) {
    this.directory = directory;
  }

  /**
   * Opens an overlay, or shares it, or makes it. Every call needs a {@link #giveBack}.
   *
   * @throws IOException if it is open elsewhere, or is damaged
   */
  synchronized Overlay open(OverlayHeader header) throws IOException {
    Entry entry = open.get(header);
    if (entry == null) {
      entry = new Entry(directory.open(header));
      open.put(header, entry);
    }
    entry.users++;
    return entry.overlay;
  }

  synchronized void giveBack(Overlay overlay) {
    Entry entry = open.get(overlay.header());
    if (entry == null || --entry.users > 0) {
      return;
    }
    open.remove(overlay.header());
    try {
      overlay.close();
    } catch (IOException e) {
      // What was flushed is durable; nobody was promised the rest.
      LOG.warn(
          "overlay=\"{}\" closed=no reason=\"{}\"",
          directory.path(),
          String.valueOf(e.getMessage()),
          e);
    }
  }
}
