package io.nbdvault.nbd.server.protocol;

/**
 * One request of a client, as received and not yet judged (proto.md, "Request message").
 *
 * @param flags {@code NbdProtocol.CMD_FLAG_…}, 16 bits
 * @param type a command's code, or any other number, 16 bits
 * @param cookie to be put into the reply
 * @param offsetBytes unsigned 64 bits
 * @param lengthBytes unsigned 64 bits; with compact headers 0..2³²−1
 * @param payloadBytes what follows the header, 0..2³²−1
 */
public record RequestHeader(
    int flags, int type, long cookie, long offsetBytes, long lengthBytes, long payloadBytes) {
  /** Whether a flag is set. */
  public boolean has(int flag) {
    return (flags & flag) != 0;
  }
}
