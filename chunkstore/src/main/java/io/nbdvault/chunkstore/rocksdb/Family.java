package io.nbdvault.chunkstore.rocksdb;

import java.nio.charset.StandardCharsets;

/** The column families of the database. */
enum Family {
  /** The store's counters and the copy of its configuration. RocksDB insists on this name. */
  DEFAULT("default"),
  /** From type and id to ordinal. */
  INDEX("index"),
  /** From ordinal to the record of a chunk or a node. */
  CHUNK("chunk"),
  /** From snapshot id to the snapshot's record. */
  CATALOG("catalog");

  private final String nameInDatabase;

  Family(String nameInDatabase) {
    this.nameInDatabase = nameInDatabase;
  }

  String nameInDatabase() {
    return nameInDatabase;
  }

  byte[] nameBytes() {
    return nameInDatabase.getBytes(StandardCharsets.US_ASCII);
  }
}
