package io.nbdvault.nbd.client;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a handshake came to.
 *
 * @param export what the server says about the export; null if only names were asked for
 * @param contextNames the negotiated metadata contexts by this connection's ids for them
 * @param names what was listed, in the server's order
 */
record Negotiated(
    @Nullable ExportInfo export, Map<Integer, String> contextNames, List<String> names) {
  Negotiated {
    contextNames = Map.copyOf(contextNames);
    names = List.copyOf(names);
  }

  /** The export of a handshake that was about one. */
  ExportInfo requireExport() {
    if (export == null) {
      throw new IllegalStateException("handshake without an export");
    }
    return export;
  }
}
