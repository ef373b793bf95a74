package io.nbdvault.cli.nbd;

import io.nbdvault.nbd.client.NbdClient;

/** The threads of the NBD client, of whichever job started them. */
public final class NbdThreads {
  private NbdThreads() {}

  /** Ends them, if there are any, at the end of the program: see {@link NbdClient#stopThreads}. */
  public static void stop() {
    NbdClient.stopThreads();
  }
}
