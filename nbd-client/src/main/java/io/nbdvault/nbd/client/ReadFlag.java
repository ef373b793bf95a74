package io.nbdvault.nbd.client;

/** How to read (proto.md, "Command flags"). */
public enum ReadFlag {
  /**
   * "Don't fragment": the server should answer in one chunk. Worth setting where the extents
   * already say data. Left out where the server does not offer it, and given up by itself where the
   * server answers EOVERFLOW.
   */
  DF
}
