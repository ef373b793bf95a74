package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.UnsupportedFormatException;
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

/** Looks what of a repository is damaged, in a copy of its database, and what a repair would do. */
final class RepairDiagnosis {
  /** A table that is not whole. */
  record BadTable(LiveFileMetaData file, Family family) {
    /** Whether a key lies between those of the table. */
    boolean mayHave(byte[] key) {
      return Arrays.compareUnsigned(key, file.smallestKey()) >= 0
          && Arrays.compareUnsigned(key, file.largestKey()) <= 0;
    }
  }

  private final RepositoryDirectory directory;
  private final RepairListener listener;
  private final RepairCopy copy;
  private final List<DamagedItem> damage = new ArrayList<>();
  private final List<BadTable> badTables = new ArrayList<>();
  private final List<LiveFileMetaData> files = new ArrayList<>();
  private @Nullable RepositoryConfig config;
  private RepairHead head;
  private @Nullable UnsupportedFormatException unsupported;
  private boolean configFileDamaged;
  private boolean currentLost;
  private boolean listLost;
  private boolean rowsDamaged;
  private boolean indexRowsDamaged;
  private Optional<StoreFailedException> unread = Optional.empty();
  private long commits;
  private long nextOrdinal = 1;

  RepairDiagnosis(RepositoryDirectory directory, RepairListener listener, RepairCopy copy) {
    this.directory = directory;
    this.listener = listener;
    this.copy = copy;
    this.head = RepairHead.none(directory);
  }

  /** The tables that are not whole, as far as a list names them. */
  List<BadTable> badTables() {
    return badTables;
  }

  /** The configuration. Only when a plan was made. */
  RepositoryConfig config() {
    return Objects.requireNonNull(config);
  }

  RepairHead head() {
    return head;
  }

  boolean isConfigFileDamaged() {
    return configFileDamaged;
  }

  /** Whether no list of tables can be read. */
  boolean isListLost() {
    return listLost;
  }

  /** Number of the last commit as the database has it; 0 if it cannot be read. */
  long commits() {
    return commits;
  }

  /** The first ordinal that was not leased, as the database has it. */
  long nextOrdinal() {
    return nextOrdinal;
  }

  /** Whether the database itself is to be changed, by putting a repaired copy in its place. */
  boolean needsCopy() {
    return listLost
        || currentLost
        || !badTables.isEmpty()
        || head.hasLost()
        || rowsDamaged
        || isIndexLost();
  }

  /** Makes the copy, and the plan. */
  RepairPlan plan() throws StoreException {
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
      spaceBytes = RepairSpace.toReplace(badTables, files);
    }
    if (head.hasLost()) {
      steps.add(RepairStep.TAKE_IN_UNLISTED);
      spaceBytes += head.spaceBytes();
    }
    if (rowsDamaged) {
      steps.add(RepairStep.MEND_ROWS);
    }
    if (isIndexLost()) {
      steps.add(RepairStep.REBUILD_INDEX);
    }
    if (needsCopy()) {
      spaceBytes += RepairSpace.ofCopy(files);
    }
    if (!head.damage().isEmpty() && (head.hasLost() || commits > 0)) {
      steps.add(RepairStep.WRITE_HEAD);
    }
    if (configFileDamaged) {
      steps.add(RepairStep.WRITE_CONFIG);
    }
    if (config == null) {
      if (unsupported != null) {
        throw unsupported;
      }
      throw new DamagedException(
          "config.json", OptionalLong.empty(), "no copy of it can be read", null);
    }
    if (!steps.isEmpty()) {
      steps.add(RepairStep.FLAG);
    }
    return new RepairPlan(damage, steps, spaceBytes);
  }

  /** Whether rows of the index are to be made from the records. */
  boolean isIndexLost() {
    return listLost
        || indexRowsDamaged
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
      noteConfigFile("" + e.getMessage());
    } catch (UnsupportedFormatException e) {
      // Unless the database says so too: its copy is raised before the file.
      unsupported = e;
      noteConfigFile("" + e.getMessage());
    }
  }

  private void noteConfigFile(String reason) {
    configFileDamaged = true;
    damage.add(new DamagedItem("config.json", reason));
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
    files.clear();
    try (Database database =
        Database.open(directory.location(), copy.dir(), DatabaseAccess.READ_DAMAGED)) {
      files.addAll(database.liveFiles());
      readConfigCopy(database);
      lookAtHead(database);
      checkRows(database);
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
    if (badTables.isEmpty() && unread.isPresent()) {
      throw unread.get();
    }
    return true;
  }

  private void readConfigCopy(Database database) throws StoreException {
    try {
      takeConfig(StoredConfig.copy(database));
    } catch (DamagedException | StoreFailedException e) {
      // Told where the rows are checked, unless there is nothing to check them by.
      if (config == null) {
        damage.add(new DamagedItem("copy of config.json", "" + e.getMessage()));
      }
    }
  }

  /** Where the file says something else, the database is right: what it says has a checksum. */
  private void takeConfig(RepositoryConfig stored) {
    RepositoryConfig file = config;
    if (!configFileDamaged && file != null && !stored.upgraded().equals(file.upgraded())) {
      noteConfigFile(file + " (expected: " + stored + ")");
    }
    if (configFileDamaged) {
      config = stored;
    }
  }

  private void lookAtHead(Database database) throws StoreException {
    RepositoryConfig known = config;
    if (known == null) {
      return;
    }
    head = RepairHead.of(directory, known, database);
    damage.addAll(head.damage());
    try {
      commits = Counter.COMMITS.readIfThere(database).orElse(0);
      nextOrdinal = Counter.NEXT_ORDINAL.read(database);
    } catch (DamagedException | StoreFailedException e) {
      // Told where the rows are checked.
      nextOrdinal = 1;
    }
  }

  private void checkRows(Database database) throws StoreException {
    RepositoryConfig known = config;
    if (known != null) {
      listener.onProgress("checking rows", 0, 0);
      RepairRowCheck check = new RepairRowCheck(database);
      check.run(known);
      damage.addAll(check.damage());
      rowsDamaged = check.rowsDamaged();
      indexRowsDamaged = check.indexDamaged();
      unread = check.unread();
    }
  }

  private void checkTable(LiveFileMetaData file) throws StoreException {
    Path path = DamagedTables.fileOf(copy.dir(), file);
    Optional<String> reason = DamagedTables.damage(path, file.size());
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
      forEachRow(file, Family.DEFAULT, this::lookForConfig);
    }
  }

  private void lookForConfig(byte[] key, byte[] value) {
    if (Arrays.equals(key, StoredConfig.key())) {
      try {
        if (ConfigFile.formatVersion(value) <= RepositoryConfig.FORMAT_VERSION) {
          takeConfig(ConfigFile.decode(value));
        }
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

  private void forEachRow(Path file, Family family, Database.RowVisitor visitor)
      throws StoreException {
    try (RepairTable table = RepairTable.open(file)) {
      if (table.family().equals(Optional.of(family))) {
        table.forEachReadable(visitor);
      }
    } catch (RocksDBException e) {
      // Nothing of it can be read: not even what it holds.
      damage.add(new DamagedItem("file db/" + file.getFileName(), "" + e.getMessage()));
    }
  }
}
