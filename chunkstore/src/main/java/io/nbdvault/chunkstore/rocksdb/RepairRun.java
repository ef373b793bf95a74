package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.rocksdb.LiveFileMetaData;

/**
 * Repairs a repository's files so that it can be opened and written to again. What cannot be
 * repaired is content: what is known to be lost is flagged before anybody can open the repaired
 * database, the rest once it is verified, and it heals by backups.
 *
 * <p>The database itself is not touched before its repaired copy is complete; then it goes to
 * quarantine as a whole. See {@link RepairCopy} for what happens when it is killed.
 */
final class RepairRun {
  private final RepositoryDirectory directory;
  private final RepairListener listener;
  private final RepairCopy copy;
  private final RepairDiagnosis diagnosis;
  private final RepairLosses losses = new RepairLosses();
  private long recordsPutBack;
  private long rowsPutBack;
  private long indexRows;
  private long flagged;
  private long commits;
  private long nextOrdinal;

  RepairRun(RepositoryDirectory directory, RepairListener listener) {
    this.directory = directory;
    this.listener = listener;
    this.copy = new RepairCopy(directory);
    this.diagnosis = new RepairDiagnosis(directory, listener, copy);
  }

  /** Looks what is damaged, and changes nothing. */
  RepairPlan plan() throws StoreException {
    try {
      return diagnosis.plan();
    } finally {
      copy.discard();
    }
  }

  /** Repairs. Every step can be interrupted; then the next repair begins anew. */
  RepairReport repair() throws StoreException {
    try {
      RepairPlan plan = diagnosis.plan();
      commits = diagnosis.commits();
      nextOrdinal = diagnosis.nextOrdinal();
      String place = "";
      RepositoryConfig config = diagnosis.config();
      if (diagnosis.needsCopy()) {
        place = repairDatabase(plan);
        // Its rows are of this version now.
        config = config.upgraded();
      }
      writeConfig(config);
      // Last: from here on what is still missing is given up for lost.
      if (!plan.steps().isEmpty()) {
        diagnosis.head().write(commits, nextOrdinal);
      }
      return new RepairReport(
          plan,
          recordsPutBack,
          rowsPutBack,
          indexRows,
          flagged,
          losses.broughtBack(),
          losses.protectedAnew(),
          losses.lost(),
          place);
    } finally {
      copy.discard();
    }
  }

  private String repairDatabase(RepairPlan plan) throws StoreException {
    requireSpace(plan);
    if (diagnosis.isListLost()) {
      rebuildDatabase();
    } else {
      replaceTables();
    }
    // Opened as strictly as it will be from now on.
    Database.open(directory.location(), copy.dir(), DatabaseAccess.READ_ONLY).close();
    if (!losses.lost().isEmpty()) {
      // Before anybody can open the repaired database: nothing may be reclaimed by it.
      new LossMark(directory).add(losses.lost());
    }
    return directory.dir().relativize(copy.install()).toString();
  }

  private void requireSpace(RepairPlan plan) throws StoreException {
    long usable = directory.usableBytes();
    if (usable < plan.spaceBytes()) {
      throw new StoreFailedException(
          "The repair of "
              + directory.location()
              + " needs "
              + plan.spaceBytes()
              + " bytes of free space, and there are "
              + usable
              + ".",
          null);
    }
  }

  private void replaceTables() throws StoreException {
    diagnosis.head().unlink(copy.dir());
    List<RepairDiagnosis.BadTable> badTables = diagnosis.badTables();
    List<List<byte[]>> placeholders = new ArrayList<>();
    for (RepairDiagnosis.BadTable bad : badTables) {
      LiveFileMetaData file = bad.file();
      placeholders.add(
          RepairStandIn.write(
              DamagedTables.fileOf(copy.dir(), file),
              file.smallestKey(),
              file.largestKey(),
              file.size()));
    }
    try (Database database =
            Database.open(directory.location(), copy.dir(), DatabaseAccess.REPAIR);
        RepairWriter writer = new RepairWriter(directory, database)) {
      RepairRows rows = new RepairRows(database, writer);
      RepairSalvage salvage = new RepairSalvage(rows, losses, listener);
      // Each by itself: a file that had rows of two would reach over everything that lies between
      // them, and that would be rewritten with it.
      for (int i = 0; i < badTables.size(); i++) {
        for (byte[] key : placeholders.get(i)) {
          writer.delete(badTables.get(i).family(), key);
        }
        writer.write();
        database.flush();
      }
      for (RepairDiagnosis.BadTable bad : badTables) {
        salvage.of(bad, DamagedTables.fileOf(directory.database(), bad.file()));
        database.flush();
      }
      Roaring64Bitmap missing = salvage.missingOf(badTables);
      for (RepairDiagnosis.BadTable bad : badTables) {
        salvage.missing(missing, bad, DamagedTables.fileOf(directory.database(), bad.file()));
        database.flush();
      }
      for (Path table : diagnosis.head().tablesToTakeIn()) {
        salvage.of(table);
        database.flush();
      }
      finish(database, rows, writer);
      dropStandIns(database);
    }
  }

  private void rebuildDatabase() throws StoreException {
    copy.makeEmpty();
    try (Database database =
            Database.open(directory.location(), copy.dir(), DatabaseAccess.CREATE);
        RepairWriter writer = new RepairWriter(directory, database)) {
      RepairRows rows = new RepairRows(database, writer);
      RepairSalvage salvage = new RepairSalvage(rows, losses, listener);
      List<Path> tables = copy.originalTables();
      for (int i = 0; i < tables.size(); i++) {
        listener.onProgress("reading tables", i, tables.size());
        salvage.of(tables.get(i));
      }
      finish(database, rows, writer);
    }
  }

  private void finish(Database database, RepairRows rows, RepairWriter writer)
      throws StoreException {
    rows.noteCounters();
    RepairHead head = diagnosis.head();
    if (areCommitsLost(rows)) {
      losses.commits(rows.lastCommit() + 1, head.commits());
    }
    // Its records may have no rows any more. They get some, and the next collection takes both.
    boolean sweeping = database.get(Family.DEFAULT, Collector.key()) != null;
    RepairMending mending = new RepairMending(directory, database, writer, losses);
    mending.mendOthers(diagnosis.config());
    mending.mendCatalog();
    RepairStates.settle(database, this::isDoubtful, writer, losses);
    mending.mendIndex();
    DamagedRows listed = DamagedRows.unknown();
    if (diagnosis.isIndexLost() || sweeping) {
      listener.onProgress("making the index", 0, 0);
      rows.rebuildIndex();
      listed = DamagedRows.read(database);
    }
    listener.onProgress("flagging what is lost", 0, 0);
    flagged = LostRecords.flag(database, lostRanges(), listed, writer);
    rows.finishCounters(diagnosis.config(), head);
    database.flush();
    commits = Counter.COMMITS.read(database);
    nextOrdinal = Counter.NEXT_ORDINAL.read(database);
    recordsPutBack = rows.records();
    rowsPutBack = rows.rows();
    indexRows = rows.indexRows();
  }

  /**
   * Whether there were commits that nothing is left of. Where it is the counter that is lost, each
   * commit would have left a file that the list does not name.
   */
  private boolean areCommitsLost(RepairRows rows) {
    RepairHead head = diagnosis.head();
    boolean counterLost =
        rows.lastCommit() == 0
            || diagnosis.badTables().stream().anyMatch(table -> table.family() == Family.DEFAULT);
    return rows.lastCommit() < head.commits()
        && (head.hasUnlisted() || diagnosis.isListLost() || !counterLost);
  }

  /** Whether something may be lost that was decided about a snapshot after what is left. */
  private boolean isDoubtful(byte[] catalogKey) {
    return diagnosis.isListLost()
        || diagnosis.head().hasLost()
        || diagnosis.badTables().stream()
            .anyMatch(table -> table.family() == Family.CATALOG && table.mayHave(catalogKey));
  }

  /**
   * What a rebuilt database has in its index was made from its records. Where a table of the index
   * is lost, older rows may show again that a collection had deleted, with their records.
   */
  private List<LostRecords.Range> lostRanges() {
    if (diagnosis.isListLost()) {
      return List.of();
    }
    if (diagnosis.isIndexLost()) {
      return List.of(LostRecords.Range.ALL);
    }
    return diagnosis.badTables().stream()
        .filter(table -> table.family() == Family.CHUNK)
        .map(
            table ->
                new LostRecords.Range(
                    ByteBuffer.wrap(table.file().smallestKey()).getLong(),
                    ByteBuffer.wrap(table.file().largestKey()).getLong()))
        .toList();
  }

  /** Rewrites what the stand-ins are part of, so that none is left. */
  private void dropStandIns(Database database) throws StoreException {
    for (RepairDiagnosis.BadTable bad : diagnosis.badTables()) {
      listener.onProgress("rewriting around " + bad.file().fileName(), 0, 0);
      database.compact(bad.family(), bad.file().smallestKey(), bad.file().largestKey());
    }
    for (LiveFileMetaData file : database.liveFiles()) {
      for (RepairDiagnosis.BadTable bad : diagnosis.badTables()) {
        if (file.fileName().equals(bad.file().fileName())) {
          throw new StoreFailedException("The stand-in " + file.fileName() + " is left.", null);
        }
      }
    }
  }

  private void writeConfig(RepositoryConfig config) throws StoreException {
    try {
      if (diagnosis.isConfigFileDamaged()) {
        new Quarantine(directory).keepCopy(directory.config());
        directory.writeConfig(diagnosis.config());
      }
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "writing config.json", e);
    }
    if (!config.equals(diagnosis.config())) {
      StoredConfig.raiseFiles(directory, config, commits, nextOrdinal);
    }
  }
}
