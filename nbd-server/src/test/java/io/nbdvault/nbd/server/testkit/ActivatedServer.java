package io.nbdvault.nbd.server.testkit;

import io.nbdvault.nbd.server.ListenAddress;
import io.nbdvault.nbd.server.NbdServer;
import io.nbdvault.nbd.server.ServerOptions;

/** Serves one disk on the socket that it was started with, until the last client has gone. */
public final class ActivatedServer {
  public static final long SIZE_BYTES = 3 << 20;

  private static final long LIFE_MILLIS_MAX = 60_000;
  private static final long POLL_MILLIS = 20;

  private ActivatedServer() {}

  /** Ends by itself. */
  public static void main(String[] args) throws Exception {
    MemoryExports exports = new MemoryExports().add("", new MemoryDisk(SIZE_BYTES), true);
    try (NbdServer server =
        NbdServer.start(ServerOptions.of(exports).listenOn(new ListenAddress.Activated()))) {
      long end = System.nanoTime() + LIFE_MILLIS_MAX * 1_000_000;
      boolean wasUsed = false;
      while (System.nanoTime() < end && (!wasUsed || server.connectionCount() > 0)) {
        wasUsed |= server.connectionCount() > 0;
        Thread.sleep(POLL_MILLIS);
      }
    }
  }
}
