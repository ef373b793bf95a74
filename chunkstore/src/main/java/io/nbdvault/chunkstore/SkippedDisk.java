package io.nbdvault.chunkstore;

/**
 * A disk of the VM that a snapshot does not hold.
 *
 * @param name the disk's name
 * @param reason why it was left out, for people
 */
public record SkippedDisk(String name, String reason) {
  /** Checks the name. */
  public SkippedDisk {
    Checks.name("disk name", name);
  }
}
