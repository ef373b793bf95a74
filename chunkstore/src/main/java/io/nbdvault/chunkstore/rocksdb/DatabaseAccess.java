package io.nbdvault.chunkstore.rocksdb;

/** How a database is opened. */
enum DatabaseAccess {
  /** There must be none yet. */
  CREATE,
  READ_WRITE,
  /** Beside a writer, which is not disturbed. */
  READ_ONLY,
  /** With the lock, so that nobody takes files away: only those are opened that are read. */
  READ_LOCKED,
  /** Beside a writer, whatever is damaged: what is whole can be read. */
  READ_DAMAGED,
  /** With tables that are not those that the list of tables knows. Only for a repair. */
  REPAIR;

  /** Whether all tables are open for as long as the database is. */
  boolean opensAll() {
    return this == READ_ONLY || this == READ_DAMAGED;
  }

  boolean isReadOnly() {
    return this == READ_ONLY || this == READ_LOCKED || this == READ_DAMAGED;
  }
}
