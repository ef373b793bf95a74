package io.nbdvault.chunkstore.rocksdb;

import org.rocksdb.InfoLogLevel;
import org.rocksdb.Logger;
import org.slf4j.LoggerFactory;

/** RocksDB's messages, in the log of the program. */
final class DatabaseLog extends Logger {
  private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(DatabaseLog.class);

  DatabaseLog() {
    super(InfoLogLevel.WARN_LEVEL);
  }

  @Override
  protected void log(InfoLogLevel level, String message) {
    if (level == InfoLogLevel.ERROR_LEVEL || level == InfoLogLevel.FATAL_LEVEL) {
      LOG.warn("rocksdb={}", message);
    } else {
      LOG.debug("rocksdb={}", message);
    }
  }
}
