package io.nbdvault.nbd.protocol;

/**
 * Which headers requests and replies have in the transmission phase; agreed on in the handshake
 * (proto.md, "Transmission").
 */
public enum HeaderStyle {
  /** Compact requests and simple replies: what every server knows. */
  SIMPLE,

  /** Compact requests; simple replies or structured reply chunks, and the latter for reads. */
  STRUCTURED,

  /** 64-bit lengths in requests, extents and status flags; every reply is in extended chunks. */
  EXTENDED;

  /** Length of a request's header, in bytes (proto.md, "Request message"). */
  public int requestHeaderBytes() {
    return this == EXTENDED
        ? RequestEncoder.EXTENDED_HEADER_BYTES
        : RequestEncoder.COMPACT_HEADER_BYTES;
  }
}
