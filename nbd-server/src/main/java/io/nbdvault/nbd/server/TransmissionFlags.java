package io.nbdvault.nbd.server;

import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;

/** What a client is told that it may do with an export (proto.md, "Transmission flags"). */
final class TransmissionFlags {
  private TransmissionFlags() {}

  static int of(ExportInfo info, HeaderStyle style) {
    int flags = NbdProtocol.FLAG_HAS_FLAGS | NbdProtocol.FLAG_SEND_CACHE;
    if (info.isReadOnly()) {
      flags |= NbdProtocol.FLAG_READ_ONLY;
    } else {
      flags |=
          NbdProtocol.FLAG_SEND_FLUSH
              | NbdProtocol.FLAG_SEND_FUA
              | NbdProtocol.FLAG_SEND_TRIM
              | NbdProtocol.FLAG_SEND_WRITE_ZEROES;
    }
    if (info.isCoherent()) {
      flags |= NbdProtocol.FLAG_CAN_MULTI_CONN;
    }
    if (style != HeaderStyle.SIMPLE) {
      flags |= NbdProtocol.FLAG_SEND_DF;
    }
    return flags;
  }
}
