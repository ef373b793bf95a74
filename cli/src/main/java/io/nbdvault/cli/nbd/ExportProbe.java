package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.ExportInfo;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.client.NbdHandshake;
import io.nbdvault.nbd.protocol.HeaderStyle;
import java.util.List;

/** Asks a server what it has. Each answer is of a connection of its own. */
public final class ExportProbe {
  private static final NbdClientOptions OPTIONS = NbdClientOptions.defaults();

  private ExportProbe() {}

  /** Tells of one export, without opening it where the server can tell so. */
  public static ExportReport of(NbdUri uri) throws NbdException {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(uri, OPTIONS)) {
      if (!handshake.fixedNewstyle()) {
        return opened(uri, handshake, List.of());
      }
      List<String> contexts = contexts(handshake, uri.exportName());
      try {
        ExportInfo info = handshake.info(uri.exportName());
        handshake.abort();
        return new ExportReport(uri, true, info, contexts);
      } catch (NbdServerException e) {
        if (e.errno() != NbdErrno.ENOTSUP) {
          throw e;
        }
        return opened(uri, handshake, contexts);
      }
    }
  }

  /** The server cannot tell of an export that is not open. */
  private static ExportReport opened(NbdUri uri, NbdHandshake handshake, List<String> contexts)
      throws NbdException {
    boolean fixedNewstyle = handshake.fixedNewstyle();
    try (NbdClient client = handshake.go(uri.exportName())) {
      return new ExportReport(uri, fixedNewstyle, client.export(), contexts);
    }
  }

  /**
   * Names all exports of a server; the URI's export name is not used.
   *
   * @throws JobException if the server does not tell
   */
  public static List<NbdUri> list(NbdUri uri) throws NbdException, JobException {
    try (NbdHandshake handshake = NbdHandshake.connectAndAgree(uri, OPTIONS)) {
      List<NbdHandshake.ListedExport> exports = list(uri, handshake);
      handshake.abort();
      return exports.stream()
          .map(export -> new NbdUri(uri.endpoint(), export.name(), uri.tls()))
          .toList();
    }
  }

  private static List<NbdHandshake.ListedExport> list(NbdUri uri, NbdHandshake handshake)
      throws NbdException, JobException {
    try {
      return handshake.list();
    } catch (NbdServerException e) {
      throw JobException.failed(uri + ": the server does not list its exports", e);
    }
  }

  /** None where the server has no block status or does not tell: that is not an error. */
  private static List<String> contexts(NbdHandshake handshake, String exportName)
      throws NbdException {
    if (handshake.headerStyle() == HeaderStyle.SIMPLE) {
      return List.of();
    }
    try {
      return handshake.listMetaContexts(exportName, List.of());
    } catch (NbdServerException e) {
      // If the export is not there, what is asked next says so in better words.
      return List.of();
    }
  }
}
