package io.nbdvault.engine.serve;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.server.ListenAddress;
import io.nbdvault.nbd.server.NbdServer;
import io.nbdvault.nbd.server.ServerLimits;
import io.nbdvault.nbd.server.ServerOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** Serves a repository's snapshots over NBD until somebody ends it. */
public final class ServeJob {
  private final StoreSource source;
  private final Cancellation cancellation;

  public ServeJob(StoreSource source, Cancellation cancellation) {
    this.source = source;
    this.cancellation = cancellation;
  }

  /**
   * What is to be served, and where.
   *
   * @param overlays where what is written goes; empty if the exports cannot be written
   * @param insecure whether TCP is served to other machines without TLS
   */
  public record Request(
      ListenAddress address, Optional<OverlayDirectory> overlays, boolean insecure) {
    /**
     * A request whose address is as a person writes it.
     *
     * @param listen {@code unix:PATH} or {@code HOST:PORT}
     * @throws IllegalArgumentException if it is neither
     */
    public static Request of(String listen, Optional<OverlayDirectory> overlays, boolean insecure) {
      return new Request(ListenAddress.parse(listen), overlays, insecure);
    }
  }

  /**
   * Serves, and returns once the job is cancelled and the last connection has ended.
   *
   * @param listening is told the server's URI, once clients can connect
   * @throws JobException of kind {@code BAD_REQUEST} if others could read what nobody protects
   * @throws IOException if the repository cannot be opened, or the address cannot be had
   */
  public void run(Request request, Consumer<NbdUri> listening)
      throws JobException, IOException, InterruptedException {
    if (request.address() instanceof ListenAddress.Tcp tcp
        && !tcp.address().getAddress().isLoopbackAddress()
        && !request.insecure()) {
      throw JobException.badRequest(
          "on "
              + tcp
              + " every machine that reaches it could read all backups: listen on a unix socket or"
              + " on 127.0.0.1, or say --insecure");
    }
    ServeLimits limits = ServeLimits.defaults(ServerLimits.DEFAULT.contextsMax());
    CountDownLatch ended = new CountDownLatch(1);
    cancellation.onCancel(ended::countDown);
    try (SnapshotExports exports = SnapshotExports.open(source, limits, request.overlays());
        NbdServer server = NbdServer.start(ServerOptions.of(exports).listenOn(request.address()))) {
      listening.accept(uri(request.address(), server));
      ended.await();
    }
  }

  private static NbdUri uri(ListenAddress address, NbdServer server) {
    if (address instanceof ListenAddress.Unix unix) {
      return NbdUri.unix(unix.socket().toAbsolutePath(), "");
    }
    InetSocketAddress bound = server.tcpAddresses().get(0); // With the port that was chosen.
    return NbdUri.tcp(bound.getAddress().getHostAddress(), bound.getPort(), "");
  }
}
