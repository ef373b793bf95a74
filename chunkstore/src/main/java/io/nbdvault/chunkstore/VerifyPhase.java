package io.nbdvault.chunkstore;

/** The steps of a verification, in their order. */
public enum VerifyPhase {
  /** Every tree is walked: which records are needed, and whether each has its index row. */
  TREES,
  /** The index is read: which records there are to be. */
  INDEX,
  /** The records are read in the order in which they lie, and checked. */
  RECORDS,
  /** What was found damaged is looked at again, and the disks are searched for it. */
  LOCATING
}
