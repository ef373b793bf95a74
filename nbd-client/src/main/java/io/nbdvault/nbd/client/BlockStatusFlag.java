package io.nbdvault.nbd.client;

/** How to ask for extents. */
public enum BlockStatusFlag {
  /** One extent for each context is enough. */
  REQ_ONE
}
