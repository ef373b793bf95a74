package io.nbdvault.chunkstore;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * The name of a snapshot: 128 random bits. It says nothing of when the snapshot was taken or of
 * which machine.
 *
 * @param hex 32 lower-case hex digits
 */
public record SnapshotId(String hex) {
  /** Length of an id in bytes. */
  public static final int BYTES = 16;

  private static final SecureRandom RANDOM = new SecureRandom();

  /** Checks that there are 32 lower-case hex digits. */
  public SnapshotId {
    Checks.hex("snapshot id", hex, 2 * BYTES);
  }

  /** A new id from the system's secure random source. */
  public static SnapshotId random() {
    byte[] bytes = new byte[BYTES];
    RANDOM.nextBytes(bytes);
    return new SnapshotId(HexFormat.of().formatHex(bytes));
  }

  /** The first 8 digits, for people. */
  public String shortForm() {
    return hex.substring(0, 8);
  }

  /** The 32 digits. */
  @Override
  public String toString() {
    return hex;
  }
}
