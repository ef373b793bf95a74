package io.nbdvault.nbd.server;

/** The event that tells a connection's handler that the server is closing. */
enum ServerClosing {
  /** The only one. */
  INSTANCE
}
