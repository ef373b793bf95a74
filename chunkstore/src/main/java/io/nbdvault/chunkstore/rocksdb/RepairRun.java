package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.rocksdb.LiveFileMetaData;
import org.rocksdb.RocksDBException;

/**
 * Repairs a repository's files so that it can be opened and written to again. What cannot be
 * repaired is content: that is flagged once the repository is open, and heals by backups.
 *
 * <p>The database itself is not touched before its repaired copy is complete; then it goes to
 * quarantine as a whole. See {@link RepairCopy} for what happens when it is killed.
 */
final class RepairRun {
  /** A table that is not whole. */
  private record BadTable(LiveFileMetaData file, Family family) {}

  private final RepositoryDirectory directory;
  private final RepairListener listener;
  private final RepairCopy copy;
  private final List<DamagedItem> damage = new ArrayList<>();
  private final List<BadTable> badTables = new ArrayList<>();
  private @Nullable RepositoryConfig config;
  private RepairHead head;
  private boolean configFileDamaged;
  private boolean currentLost;
  private boolean listLost;
  private long recordsPutBack;
  private long rowsPutBack;
  private long indexRows;
  private long commits;
  private long nextOrdinal = 1;

  RepairRun(RepositoryDirectory directory, RepairListener listener) {
    this.directory = directory;
    this.listener = listener;
    this.copy = new RepairCopy(directory);
    this.head = RepairHead.none(directory);
  }

  /** Looks what is damaged, and changes nothing. */
  RepairPlan plan() throws StoreException {
    try {
      return diagnose();
    } finally {
      copy.discard();
    }
  }

  /** Repairs. Every step can be interrupted; then the next repair begins anew. */
  RepairReport repair() throws StoreException {
    try {
      RepairPlan plan = diagnose();
      Path quarantined = null;
      if (plan.steps().contains(RepairStep.REBUILD_DATABASE)) {
        requireSpace(plan);
        rebuildDatabase();
        quarantined = copy.install();
      } else if (plan.steps().contains(RepairStep.REPLACE_TABLES)
          || head.hasLost()
          || currentLost) {
        replaceTables();
        quarantined = copy.install();
      }
      writeConfig();
      // Last: from here on what is still missing is given up for lost.
      if (!plan.steps().isEmpty()) {
        head.write(commits, nextOrdinal);
      }
      String place = quarantined == null ? "" : directory.dir().relativize(quarantined).toString();
      return new RepairReport(plan, recordsPutBack, rowsPutBack, indexRows, place);
    } finally {
      copy.discard();
    }
  }

  private RepairPlan diagnose() throws StoreException {
    readConfigFile();
    copy.make();
    openList();
    List<RepairStep> steps = new ArrayList<>();
    if (currentLost) {
      steps.add(RepairStep.WRITE_CURRENT);
    }
    long spaceBytes = 0;
    if (listLost) {
      steps.add(RepairStep.REBUILD_DATABASE);
      spaceBytes = sizeOfTables();
    } else if (!badTables.isEmpty()) {
      steps.add(RepairStep.REPLACE_TABLES);
      spaceBytes = 2 * badTables.stream().mapToLong(table -> table.file().size()).sum();
    }
    if (head.hasLost()) {
      steps.add(RepairStep.TAKE_IN_UNLISTED);
      spaceBytes += head.spaceBytes();
    }
    if (isIndexLost()) {
      steps.add(RepairStep.REBUILD_INDEX);
    }
    if (!head.damage().isEmpty() && (head.hasLost() || commits > 0)) {
      steps.add(RepairStep.WRITE_HEAD);
    }
    if (configFileDamaged) {
      steps.add(RepairStep.WRITE_CONFIG);
    }
    if (config == null) {
      throw new DamagedException(
          "config.json", OptionalLong.empty(), "no copy of it can be read", null);
    }
    if (!steps.isEmpty()) {
      steps.add(RepairStep.FLAG);
    }
    return new RepairPlan(damage, steps, spaceBytes);
  }

  private boolean isIndexLost() {
    return listLost
        || head.hasLost()
        || badTables.stream().anyMatch(table -> table.family() == Family.INDEX);
  }

  private void readConfigFile() throws StoreException {
    try {
      config = directory.readConfig();
    } catch (DamagedException | NoRepositoryException e) {
      if (!Files.isDirectory(directory.database())) {
        throw e;
      }
      configFileDamaged = true;
      damage.add(new DamagedItem("config.json", "" + e.getMessage()));
    }
  }

  /** Opens the copy's list of tables, the newest that can be opened, and checks every table. */
  private void openList() throws StoreException {
    if (copy.hasCurrent()) {
      listLost = !tryList();
    } else {
      currentLost = true;
      listLost = true;
      damage.add(new DamagedItem("file db/CURRENT", "missing, or names no list of tables"));
      for (String list : copy.lists()) {
        copy.setCurrent(list);
        if (tryList()) {
          listLost = false;
          break;
        }
      }
    }
    if (listLost) {
      currentLost = false;
      findConfigInTables();
      RepositoryConfig known = config;
      if (known != null) {
        head = RepairHead.withoutList(directory, known);
        damage.addAll(head.damage());
      }
    }
  }

  private boolean tryList() throws StoreException {
    List<LiveFileMetaData> files;
    try (Database database =
        Database.open(directory.location(), copy.dir(), Database.Access.READ_DAMAGED)) {
      files = database.liveFiles();
      readConfigCopy(database);
      lookAtHead(database);
    } catch (DamagedException | StoreFailedException e) {
      damage.add(new DamagedItem("list of the database's tables", "" + e.getMessage()));
      return false;
    }
    head.findUnlisted(
        copy.originalTables(),
        files.stream().map(LiveFileMetaData::fileName).collect(Collectors.toSet()));
    int done = 0;
    for (LiveFileMetaData file : files) {
      listener.onProgress("checking files", done++, files.size());
      checkTable(file);
    }
    return true;
  }

  private void readConfigCopy(Database database) {
    try {
      RepositoryConfig stored = StoredConfig.copy(database);
      if (configFileDamaged) {
        config = stored;
      }
    } catch (StoreException e) {
      damage.add(new DamagedItem("copy of config.json", "" + e.getMessage()));
    }
  }

  private void lookAtHead(Database database) {
    RepositoryConfig known = config;
    if (known == null) {
      return;
    }
    head = RepairHead.of(directory, known, database);
    damage.addAll(head.damage());
    try {
      commits = Counter.COMMITS.readIfThere(database).orElse(0);
      nextOrdinal = Counter.NEXT_ORDINAL.read(database);
    } catch (StoreException e) {
      damage.add(new DamagedItem("counters", "" + e.getMessage()));
    }
  }

  private void checkTable(LiveFileMetaData file) {
    Path path = DamagedTables.fileOf(copy.dir(), file);
    Optional<String> reason =
        DamagedTables.reason(path, file.size()).or(() -> RepairTable.damage(path));
    if (reason.isPresent()) {
      damage.add(new DamagedItem(DamagedTables.nameOf(file), reason.get()));
      badTables.add(new BadTable(file, familyOf(file)));
    }
  }

  private static Family familyOf(LiveFileMetaData file) {
    return Arrays.stream(Family.values())
        .filter(family -> Arrays.equals(family.nameBytes(), file.columnFamilyName()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no family of that name was opened"));
  }

  private void findConfigInTables() throws StoreException {
    for (Path file : copy.originalTables()) {
      RepairTable.damage(file)
          .ifPresent(
              reason -> damage.add(new DamagedItem("file db/" + file.getFileName(), reason)));
      if (configFileDamaged) {
        forEachRow(file, this::lookForConfig);
      }
    }
  }

  private void lookForConfig(Family family, byte[] key, byte[] value) {
    if (family == Family.DEFAULT && Arrays.equals(key, StoredConfig.key())) {
      try {
        config = ConfigFile.decode(value);
      } catch (MalformedRecordException e) {
        damage.add(new DamagedItem("copy of config.json", "" + e.getMessage()));
      }
    }
  }

  private long sizeOfTables() throws StoreException {
    long bytes = 0;
    for (Path file : copy.originalTables()) {
      try {
        bytes += Files.size(file);
      } catch (IOException e) {
        throw StoreErrors.of(directory.location(), "reading its database's directory", e);
      }
    }
    return bytes;
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
    head.unlink(copy.dir());
    List<List<byte[]>> placeholders = new ArrayList<>();
    for (BadTable bad : badTables) {
      LiveFileMetaData file = bad.file();
      placeholders.add(
          RepairStandIn.write(
              DamagedTables.fileOf(copy.dir(), file),
              file.smallestKey(),
              file.largestKey(),
              file.size()));
    }
    try (Database database =
        Database.open(directory.location(), copy.dir(), Database.Access.REPAIR)) {
      for (int i = 0; i < badTables.size(); i++) {
        deleteRows(database, badTables.get(i).family(), placeholders.get(i));
      }
      RepairRows rows = new RepairRows(database);
      for (BadTable bad : badTables) {
        salvage(DamagedTables.fileOf(directory.database(), bad.file()), rows);
      }
      for (Path table : head.tablesToTakeIn()) {
        salvage(table, rows);
      }
      finish(database, rows);
      dropStandIns(database);
    }
    requireOpens();
  }

  private static void deleteRows(Database database, Family family, List<byte[]> keys)
      throws StoreException {
    try (Database.Batch batch = database.newBatch()) {
      for (byte[] key : keys) {
        batch.delete(family, key);
      }
      database.write(batch);
    }
  }

  private void salvage(Path file, RepairRows rows) throws StoreException {
    listener.onProgress("reading " + file.getFileName(), 0, 0);
    forEachRow(file, rows::takeIn);
    rows.write();
  }

  private void finish(Database database, RepairRows rows) throws StoreException {
    rows.noteIndex();
    if (isIndexLost()) {
      listener.onProgress("making the index", 0, 0);
      rows.rebuildIndex();
    }
    rows.finishCounters(ConfigFile.encode(Objects.requireNonNull(config)), head);
    database.flush();
    commits = Counter.COMMITS.read(database);
    nextOrdinal = Counter.NEXT_ORDINAL.read(database);
    recordsPutBack = rows.records();
    rowsPutBack = rows.rows();
    indexRows = rows.indexRows();
  }

  /** Rewrites what the stand-ins are part of, so that none is left. */
  private void dropStandIns(Database database) throws StoreException {
    for (BadTable bad : badTables) {
      listener.onProgress("rewriting around " + bad.file().fileName(), 0, 0);
      database.compact(bad.family(), bad.file().smallestKey(), bad.file().largestKey());
    }
    for (LiveFileMetaData file : database.liveFiles()) {
      for (BadTable bad : badTables) {
        if (file.fileName().equals(bad.file().fileName())) {
          throw new StoreFailedException("The stand-in " + file.fileName() + " is left.", null);
        }
      }
    }
  }

  private void rebuildDatabase() throws StoreException {
    copy.makeEmpty();
    try (Database database =
        Database.open(directory.location(), copy.dir(), Database.Access.CREATE)) {
      RepairRows rows = new RepairRows(database);
      List<Path> tables = copy.originalTables();
      for (int i = 0; i < tables.size(); i++) {
        listener.onProgress("reading tables", i, tables.size());
        salvage(tables.get(i), rows);
      }
      finish(database, rows);
    }
    requireOpens();
  }

  /** Opens the copy as strictly as it will be opened from now on. */
  private void requireOpens() throws StoreException {
    Database.open(directory.location(), copy.dir(), Database.Access.READ_ONLY).close();
  }

  private void writeConfig() throws StoreException {
    if (configFileDamaged) {
      try {
        new Quarantine(directory).keepCopy(directory.config());
        directory.writeConfig(Objects.requireNonNull(config));
      } catch (IOException e) {
        throw StoreErrors.of(directory.location(), "writing config.json", e);
      }
    }
  }

  /** Is shown a row of a table. */
  @FunctionalInterface
  private interface RowTaker {
    void takeIn(Family family, byte[] key, byte[] value) throws StoreException;
  }

  private void forEachRow(Path file, RowTaker taker) throws StoreException {
    try (RepairTable table = RepairTable.open(file)) {
      Family family = table.family().orElse(null);
      if (family != null) {
        table.forEachReadable((key, value) -> taker.takeIn(family, key, value));
      }
    } catch (RocksDBException e) {
      // Nothing of it can be read: not even what it holds.
      damage.add(new DamagedItem("file db/" + file.getFileName(), "" + e.getMessage()));
    }
  }
}
