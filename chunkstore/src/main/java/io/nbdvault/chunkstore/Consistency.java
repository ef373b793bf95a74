package io.nbdvault.chunkstore;

/** What is known of the state of the file systems in a snapshot. */
public enum Consistency {
  /** As after a power cut: the disks are of one instant, the guest knew nothing of it. */
  CRASH,
  /** The guest's file systems were frozen while the instant was chosen. */
  FILESYSTEM,
  /** The VM was not running. */
  OFFLINE
}
