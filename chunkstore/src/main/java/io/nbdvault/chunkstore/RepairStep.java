package io.nbdvault.chunkstore;

/** What a repair does. */
public enum RepairStep {
  /** The configuration is written anew from its copy in the database. */
  WRITE_CONFIG("write config.json anew from its copy in the database"),
  /** The file that says which list of files is the current one is written anew. */
  WRITE_CURRENT("name the newest list of the database's files as the current one"),
  /** Damaged tables are taken out of the database, and the rows that they still give put back. */
  REPLACE_TABLES("take the damaged files out of the database, and put back what they still give"),
  /** The list of tables has lost its end: rows of tables that it does not name are put back. */
  TAKE_IN_UNLISTED(
      "put back what was committed from files that the database's list has lost; what none of them"
          + " has is lost for good"),
  /** The list of tables is lost: the database is made anew of every row in every table. */
  REBUILD_DATABASE("make the database anew from every row that its files still give"),
  /** Rows that cannot be read are taken out, and what follows from others is made again. */
  MEND_ROWS(
      "take the rows that cannot be read into quarantine, and make again what follows from others"),
  /** Rows of the index that are missing or wrong are made again from the records. */
  REBUILD_INDEX("make missing and wrong rows of the index again from the records"),
  /** The file that says how far the repository has come is written anew. */
  WRITE_HEAD("write the file head anew, for what the database has then"),
  /** Everything is verified, and what is damaged is flagged. */
  FLAG("verify everything, and flag what is damaged, so that later backups store it anew");

  private final String description;

  RepairStep(String description) {
    this.description = description;
  }

  /** What is done, for people. */
  public String description() {
    return description;
  }
}
