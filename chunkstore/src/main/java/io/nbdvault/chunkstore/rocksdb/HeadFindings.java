package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.HeadSlot;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What comparing a database with the file {@code head} has shown.
 *
 * @param damage what is wrong with the file
 * @param lost which commits the database lacks; empty if none, or if the file cannot tell
 */
record HeadFindings(List<DamagedItem> damage, Optional<DamagedItem> lost) {
  private static final Logger LOG = LoggerFactory.getLogger(HeadFindings.class);
  static final HeadFindings NONE = new HeadFindings(List.of(), Optional.empty());

  /** The first version of the format that has the file. */
  private static final int FORMAT_VERSION_MIN = 2;

  /** Whether a repository has the file. */
  static boolean hasHead(RepositoryConfig config) {
    return config.formatVersion() >= FORMAT_VERSION_MIN;
  }

  /**
   * Compares, for whoever reads: what is there can be read whatever is lost, but not without saying
   * so.
   *
   * @param head read before the database was opened, or a writer may have gone on in between
   */
  static HeadFindings of(RepositoryConfig config, HeadFile.State head, Database database) {
    if (!hasHead(config)) {
      return NONE;
    }
    try {
      HeadFindings findings = new HeadFindings(head.damage(), lost(head, database));
      findings.lost().ifPresent(item -> LOG.warn("lost=\"{}: {}\"", item.what(), item.reason()));
      return findings;
    } catch (StoreException e) {
      LOG.warn("head=not-compared", e);
      // Tables that a cut list still names may have been merged into others since, and deleted.
      DamagedItem unknown =
          new DamagedItem(
              "the repository's last commits",
              "perhaps missing from its database: the number of the last one cannot be read");
      return new HeadFindings(head.damage(), head.newest().map(slot -> unknown));
    }
  }

  private static Optional<DamagedItem> lost(HeadFile.State head, Database database)
      throws StoreException {
    if (head.newest().isEmpty()) {
      return Optional.empty();
    }
    HeadSlot newest = head.newest().get();
    long found = Counter.COMMITS.readIfThere(database).orElse(0);
    long missing = newest.commits() - found;
    if (missing <= 0) {
      return Optional.empty();
    }
    return Optional.of(
        new DamagedItem(
            "the repository's last " + (missing == 1 ? "commit" : missing + " commits"),
            "missing from its database, which ends with commit "
                + found
                + ", and not with commit "
                + newest.commits()
                + " as the file head says"));
  }

  /**
   * Refuses a repository that has lost commits, before its database is opened for writing: that
   * would delete the files of what was lost, and a repair may still need them. Only with the lock.
   */
  static void requireNothingLost(RepositoryDirectory directory) throws StoreException {
    RepositoryConfig config = directory.readConfig();
    HeadFile.State head = new HeadFile(directory, config.repositoryId()).read();
    if (head.newest().isEmpty()) {
      return;
    }
    Optional<DamagedItem> lost;
    try (Database database =
        Database.open(directory.location(), directory.database(), DatabaseAccess.READ_LOCKED)) {
      lost = lost(head, database);
    }
    if (lost.isPresent()) {
      throw new DamagedException(
          lost.get().what(),
          OptionalLong.empty(),
          lost.get().reason() + "; run `nbdvault verify`, then `nbdvault repair`",
          null);
    }
  }
}
