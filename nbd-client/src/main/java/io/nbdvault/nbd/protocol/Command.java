package io.nbdvault.nbd.protocol;

/** The commands of the transmission phase (proto.md, "Request types"). */
public enum Command {
  READ(0),
  WRITE(1),
  DISC(2),
  FLUSH(3),
  TRIM(4),
  CACHE(5),
  WRITE_ZEROES(6),
  BLOCK_STATUS(7);

  private final int code;

  Command(int code) {
    this.code = code;
  }

  /** The number on the wire, 16 bits. */
  public int code() {
    return code;
  }
}
