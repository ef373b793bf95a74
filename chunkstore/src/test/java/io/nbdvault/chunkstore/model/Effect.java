package io.nbdvault.chunkstore.model;

/** What goes wrong in the store when a guard is missing. */
enum Effect {
  /** Content is gone that a snapshot, a reader or a running session relies on. */
  LOST,
  /** The store promised something and a crash took it back. */
  UNDONE,
  /** Something that nothing can reach is never reclaimed. */
  LEFT,
  /** Nobody can go on. */
  STUCK,
  /** Nothing: other guards cover what this one does. */
  NONE
}
