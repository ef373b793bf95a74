package io.nbdvault.nbd.client;

/** How to ask for extents (proto.md, "Command flags"). */
public enum BlockStatusFlag {
  /** One extent for each context is enough. */
  REQ_ONE
}
