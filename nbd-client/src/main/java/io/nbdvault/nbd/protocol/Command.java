package io.nbdvault.nbd.protocol;

/** The commands of the transmission phase (proto.md, "Request types"). */
public enum Command {
  /** Reads; the answer has as many bytes as were asked for. */
  READ(0),
  /** Writes; the only command with a payload, at most the maximum block size. */
  WRITE(1),
  /** Disconnects; there is no answer. */
  DISC(2),
  /** Makes every completed write durable; offset and length are 0. */
  FLUSH(3),
  /** Says that a range's content is of no more use. */
  TRIM(4),
  /** Says that a range is going to be read soon. */
  CACHE(5),
  /** Makes a range read as zeroes. */
  WRITE_ZEROES(6),
  /** Asks for the extents of a range in the negotiated metadata contexts. */
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
