package io.nbdvault.nbd;

/**
 * The error numbers NBD allows on the wire (proto.md, "Error values"). They are Linux's numbers but
 * independent of the platform.
 */
public enum NbdErrno {
  /** Operation not permitted. */
  EPERM(1),
  /** Input or output error. */
  EIO(5),
  /** Cannot allocate memory. */
  ENOMEM(12),
  /** Invalid argument; also stands for every number the protocol does not know. */
  EINVAL(22),
  /** No space left on device. */
  ENOSPC(28),
  /** Value too large: a read under DF that would need more than one chunk. */
  EOVERFLOW(75),
  /** Operation not supported. */
  ENOTSUP(95),
  /** The server is shutting down. */
  ESHUTDOWN(108);

  private final int code;

  NbdErrno(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }

  /**
   * The error for a number on the wire, unsigned 32 bits; {@link #EINVAL} for a number the protocol
   * does not name.
   */
  public static NbdErrno ofCode(int code) {
    for (NbdErrno errno : values()) {
      if (errno.code == code) {
        return errno;
      }
    }
    return EINVAL;
  }
}
