package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.VerifyListener;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyPhase;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.CollectionRow;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One verification. Memory: a bitmap of the ordinals that are wanted, one of the nodes that were
 * walked, and the batches of {@link VerifyRecords}, whatever the size of the repository.
 *
 * <p>It runs beside backups and a collection. So what seems damaged at first is only suspected: the
 * record may have been collected, or stored anew, since the index was read. Suspects are looked at
 * again, by the index as it is then, before they are called damaged.
 */
final class VerifyRun {
  /** Opens a snapshot and so keeps it from being reclaimed. */
  @FunctionalInterface
  interface Snapshots {
    SnapshotReader open(SnapshotId id) throws StoreException;
  }

  private static final Logger LOG = LoggerFactory.getLogger(VerifyRun.class);

  private final Database database;
  private final RepositoryDirectory directory;
  private final ContentReader reader;
  private final Catalog catalog;
  private final HeadFindings head;
  private final Snapshots snapshots;
  private final VerifyOptions options;
  private final VerifyFindings findings = new VerifyFindings(VerifyReport.CONTENTS_MAX);
  private final VerifyMeter meter;
  private final VerifyTrees trees;

  /** The store's epoch when it was asked for last. */
  private long epochMax;

  VerifyRun(
      Database database,
      RepositoryDirectory directory,
      ContentReader reader,
      Catalog catalog,
      HeadFindings head,
      Snapshots snapshots,
      int chunkSizeBytes,
      VerifyOptions options,
      VerifyListener listener) {
    this.database = database;
    this.directory = directory;
    this.reader = reader;
    this.catalog = catalog;
    this.head = head;
    this.snapshots = snapshots;
    this.options = options;
    this.meter = new VerifyMeter(listener, findings);
    this.trees = new VerifyTrees(reader, chunkSizeBytes, findings, meter);
  }

  VerifyReport run() throws StoreException {
    for (DamagedItem table : DamagedTables.find(directory)) {
      findings.item(table.what(), table.reason());
    }
    head.lost().ifPresent(lost -> findings.item(lost.what(), lost.reason()));
    for (DamagedItem file : head.damage()) {
      findings.item(file.what(), file.reason());
    }
    new LossMark(directory).damage().ifPresent(lost -> findings.item(lost.what(), lost.reason()));
    checkCounters();
    checkCollection();
    checkConfig();
    List<SnapshotReader> pins = new ArrayList<>();
    try {
      return run(pin(pins));
    } finally {
      pins.forEach(SnapshotReader::close);
    }
  }

  private VerifyReport run(List<SnapshotRecord> records) throws StoreException {
    Roaring64Bitmap wanted = new Roaring64Bitmap();
    walkTrees(records, wanted);
    readIndex(wanted);
    readRecords(wanted);
    locate(records);
    boolean complete = !meter.hasEnded();
    return findings.report(records.size(), complete, 0, complete);
  }

  private void checkCounters() throws StoreException {
    for (Counter counter : Counter.values()) {
      if (counter == Counter.COMMITS && !hasHead()) {
        continue;
      }
      try {
        counter.read(database);
      } catch (DamagedException | StoreFailedException e) {
        findings.item("counter " + counter, "" + e.getMessage());
      }
    }
  }

  private boolean hasHead() {
    try {
      return HeadFindings.hasHead(StoredConfig.copy(database));
    } catch (StoreException e) {
      // Told by whoever checks the configuration.
      return true;
    }
  }

  private void checkCollection() throws StoreException {
    try {
      byte[] row = database.get(Family.DEFAULT, Collector.key());
      if (row != null) {
        CollectionRow.decode(row);
      }
    } catch (MalformedRecordException | DamagedException | StoreFailedException e) {
      findings.item("collection", "" + e.getMessage());
    }
  }

  private void checkConfig() throws StoreException {
    try {
      RepositoryConfig config = directory.readConfig();
      StoredConfig.check(database, config);
      if (config.encryption() != Encryption.NONE) {
        for (DamagedItem keys : new StoredKeys(directory, database, config).damage()) {
          findings.item(keys.what(), keys.reason());
        }
      }
    } catch (DamagedException e) {
      findings.item(e.what(), e.reason());
    } catch (StoreFailedException e) {
      findings.item("copy of config.json", "" + e.getMessage());
    }
  }

  /** Opens the snapshots that are looked at, so that none is reclaimed meanwhile. */
  private List<SnapshotRecord> pin(List<SnapshotReader> pins) throws StoreException {
    Catalog.Listing listing = catalog.read();
    for (DamagedItem row : listing.damaged()) {
      findings.item(row.what(), row.reason());
    }
    for (SnapshotId id : options.snapshots()) {
      pins.add(snapshots.open(id));
    }
    if (options.snapshots().isEmpty()) {
      for (CatalogEntry entry : listing.entries()) {
        if (entry.isKept()) {
          pinUnlessForgotten(entry.record().id(), pins);
        }
      }
    }
    return pins.stream().map(SnapshotReader::record).toList();
  }

  private void pinUnlessForgotten(SnapshotId id, List<SnapshotReader> pins) throws StoreException {
    try {
      pins.add(snapshots.open(id));
    } catch (NoSuchSnapshotException e) {
      LOG.debug("snapshot={} forgotten meanwhile", id, e);
    }
  }

  private void walkTrees(List<SnapshotRecord> snapshots, Roaring64Bitmap wanted)
      throws StoreException {
    meter.begin(VerifyPhase.TREES, 0);
    VerifyTrees.TreePass pass = trees.collecting(wanted);
    for (SnapshotRecord snapshot : snapshots) {
      pass.walk(snapshot);
    }
  }

  /**
   * Everything that has a row is to have its record, also what no snapshot needs any more. Two rows
   * for one record are read in any case: each record of the two has a row that is right.
   */
  private void readIndex(Roaring64Bitmap wanted) throws StoreException {
    if (meter.hasEnded()) {
      return;
    }
    meter.begin(VerifyPhase.INDEX, 0);
    Roaring64Bitmap seen = new Roaring64Bitmap();
    forEachRow(
        (key, row) -> {
          if (seen.contains(row.ordinal())) {
            findings.suspect(row.ordinal(), "two rows of the index name it");
          }
          seen.addLong(row.ordinal());
          checkEpoch(key, row);
        });
    if (options.snapshots().isEmpty()) {
      wanted.or(seen);
    }
  }

  private void readRecords(Roaring64Bitmap wanted) throws StoreException {
    if (meter.hasEnded()) {
      return;
    }
    Roaring64Bitmap chosen = options.isSample() ? sample(wanted) : wanted;
    meter.begin(VerifyPhase.RECORDS, chosen.getLongCardinality());
    VerifyReader records =
        new VerifyReader(database, directory.databaseToRead(), chosen.getLongIterator(), findings);
    new VerifyRecords(reader, options.checksumsOnly(), options.workers(), findings, meter)
        .run(records);
  }

  private Roaring64Bitmap sample(Roaring64Bitmap wanted) {
    SplittableRandom random = new SplittableRandom(options.seed());
    double share = options.samplePercent() / VerifyOptions.ALL_PERCENT;
    Roaring64Bitmap chosen = new Roaring64Bitmap();
    wanted.forEach(
        ordinal -> {
          if (random.nextDouble() < share) {
            chosen.addLong(ordinal);
          }
        });
    return chosen;
  }

  /** Looks at the suspects again, and searches the disks for what is damaged. */
  private void locate(List<SnapshotRecord> snapshots) throws StoreException {
    if (meter.hasEnded() || !(findings.hasSuspects() || findings.hasContent())) {
      return;
    }
    meter.begin(VerifyPhase.LOCATING, 0);
    Roaring64Bitmap damaged = new Roaring64Bitmap();
    if (findings.hasSuspects()) {
      confirm(findings.suspects(), damaged);
    }
    VerifyTrees.TreePass pass = trees.locating(damaged);
    for (SnapshotRecord snapshot : snapshots) {
      pass.walk(snapshot);
    }
  }

  private void confirm(Roaring64Bitmap suspects, Roaring64Bitmap damaged) throws StoreException {
    forEachRow(
        (key, row) -> {
          if (suspects.contains(row.ordinal())) {
            confirm(key, damaged);
          }
        });
  }

  private void confirm(IndexKey key, Roaring64Bitmap damaged) throws StoreException {
    IndexRow row = reader.lookUp(key);
    if (row != null) {
      confirm(key, row, damaged);
    }
  }

  private void confirm(IndexKey key, IndexRow row, Roaring64Bitmap damaged) throws StoreException {
    try {
      reader.check(key, row, options.checksumsOnly());
    } catch (DamagedException e) {
      found(key, row, e.reason(), damaged);
    } catch (StoreFailedException e) {
      found(key, row, "" + e.getMessage(), damaged);
    }
  }

  private void found(IndexKey key, IndexRow row, String reason, Roaring64Bitmap damaged)
      throws StoreException {
    IndexRow now = reader.lookUp(key);
    // Else a collection has taken it away meanwhile, or a backup has stored it anew.
    if (now != null && now.ordinal() == row.ordinal()) {
      damaged.addLong(row.ordinal());
      findings.content(key, OptionalLong.of(row.ordinal()), reason);
    }
  }

  /** Is shown a row of the index. */
  @FunctionalInterface
  private interface IndexVisitor {
    void visit(IndexKey key, IndexRow row) throws StoreException;
  }

  private void forEachRow(IndexVisitor visitor) throws StoreException {
    database
        .forEachReadable(
            Family.INDEX,
            (key, row) -> {
              meter.advance();
              visit(key, row, visitor);
            })
        .ifPresent(reason -> findings.item("rows of the index", reason));
  }

  private void visit(byte[] keyBytes, byte[] rowBytes, IndexVisitor visitor) throws StoreException {
    IndexKey key;
    try {
      key = IndexKey.decode(keyBytes);
    } catch (MalformedRecordException e) {
      String what = "row of the index " + HexFormat.of().formatHex(keyBytes);
      findings.item(what, String.valueOf(e.getMessage()));
      return;
    }
    IndexRow row;
    try {
      row = IndexRow.decode(rowBytes);
    } catch (MalformedRecordException e) {
      findings.content(key, OptionalLong.empty(), "its row in the index: " + e.getMessage());
      return;
    }
    visitor.visit(key, row);
  }

  /** A row of a later epoch than the store's would be kept by collections for as long as it is. */
  private void checkEpoch(IndexKey key, IndexRow row) throws StoreException {
    if (row.epoch() <= epochMax) {
      return;
    }
    try {
      // A collection may have begun another one since.
      epochMax = reader.epoch();
    } catch (DamagedException | StoreFailedException e) {
      findings.item("counter " + Counter.EPOCH, "" + e.getMessage());
      epochMax = Long.MAX_VALUE;
      return;
    }
    if (row.epoch() > epochMax) {
      String epochs = row.epoch() + " (expected: <= " + epochMax + ")";
      findings.content(key, OptionalLong.of(row.ordinal()), "epoch of its row: " + epochs);
    }
  }
}
