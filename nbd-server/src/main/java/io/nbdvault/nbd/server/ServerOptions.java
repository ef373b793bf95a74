package io.nbdvault.nbd.server;

import io.nbdvault.nbd.tls.TlsServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a server serves, where, and how.
 *
 * @param provider has the exports
 * @param addresses where to listen, at least one when the server is started
 * @param tls keys for clients that ask for TLS
 * @param isTlsRequired whether clients that do not are refused
 * @param limits what clients may do at most
 * @param closeTimeout how long {@link NbdServer#close} lets requests end
 */
public record ServerOptions(
    ExportProvider provider,
    List<ListenAddress> addresses,
    Optional<TlsServer> tls,
    boolean isTlsRequired,
    ServerLimits limits,
    Duration closeTimeout) {
  private static final Duration CLOSE_TIMEOUT_DEFAULT = Duration.ofSeconds(5);

  /**
   * Checks that TLS is there if it is required.
   *
   * @throws IllegalArgumentException if not
   */
  public ServerOptions {
    addresses = List.copyOf(addresses);
    if (isTlsRequired && tls.isEmpty()) {
      throw new IllegalArgumentException("TLS is required, but there are no keys for it");
    }
  }

  /** The usual limits, no TLS, and nowhere to listen yet. */
  public static ServerOptions of(ExportProvider provider) {
    return new ServerOptions(
        provider, List.of(), Optional.empty(), false, ServerLimits.DEFAULT, CLOSE_TIMEOUT_DEFAULT);
  }

  /** The same, listening at one address more. */
  public ServerOptions listenOn(ListenAddress address) {
    List<ListenAddress> more = new ArrayList<>(addresses);
    more.add(address);
    return new ServerOptions(provider, more, tls, isTlsRequired, limits, closeTimeout);
  }

  /** The same with TLS. */
  public ServerOptions withTls(TlsServer keys, boolean isRequired) {
    return new ServerOptions(
        provider, addresses, Optional.of(keys), isRequired, limits, closeTimeout);
  }

  /** The same with other limits. */
  public ServerOptions withLimits(ServerLimits others) {
    return new ServerOptions(provider, addresses, tls, isTlsRequired, others, closeTimeout);
  }

  /** The same with another deadline for closing. */
  public ServerOptions withCloseTimeout(Duration timeout) {
    return new ServerOptions(provider, addresses, tls, isTlsRequired, limits, timeout);
  }
}
