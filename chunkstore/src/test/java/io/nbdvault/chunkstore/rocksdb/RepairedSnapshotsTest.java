package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of snapshots, and of what was decided about them, by a repair and then by gc. */
@Timeout(120)
class RepairedSnapshotsTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 20;

  @TempDir private Path temporary;
  private final Random random = Seeds.random("repaired snapshots");
  private DamagedRepository repository;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
  }

  @Test
  void aSnapshotThatWasBroughtBackStaysWhereTheListOfTablesIsLost() throws Exception {
    DiskImage disk = newDisk();
    SnapshotRecord snapshot = repository.backUp(disk);
    decide(store -> store.forget(Set.of(snapshot.id())));
    decide(store -> store.undelete(snapshot.id()));
    loseList();
    assertThat(repair().broughtBack()).containsExactly(snapshot.id());
    collect();
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void aSnapshotThatIsForgottenComesBackAndIsNamed() throws Exception {
    DiskImage disk = newDisk();
    SnapshotRecord snapshot = repository.backUp(disk);
    decide(store -> store.forget(Set.of(snapshot.id())));
    loseList();
    RepairReport report = repair();
    assertThat(report.broughtBack()).containsExactly(snapshot.id());
    assertThat(report.lost()).isEmpty();
    assertThat(state(snapshot.id())).isEqualTo(SnapshotState.KEPT);
    decide(store -> store.forget(Set.of(snapshot.id())));
    assertThat(collect().snapshotsReclaimed()).isEqualTo(1);
  }

  @Test
  void aSnapshotThatWasProtectedStaysProtected() throws Exception {
    SnapshotRecord snapshot = repository.backUp(newDisk());
    decide(store -> store.forget(Set.of(snapshot.id())));
    decide(store -> store.undelete(snapshot.id()));
    decide(store -> store.setProtected(snapshot.id(), true));
    loseList();
    assertThat(repair().broughtBack()).isEmpty();
    assertThat(state(snapshot.id())).isEqualTo(SnapshotState.PROTECTED);
  }

  @Test
  void aSnapshotThatWasCondemnedCannotBeBroughtBack() throws Exception {
    SnapshotRecord snapshot = repository.backUp(newDisk());
    decide(store -> store.setProtected(snapshot.id(), true));
    decide(store -> store.setProtected(snapshot.id(), false));
    decide(store -> store.forget(Set.of(snapshot.id())));
    SnapshotState condemned =
        new SnapshotState(false, Optional.of(Instant.ofEpochSecond(1_800_000_000)), true);
    repository.put(
        Family.CATALOG,
        SnapshotStateRow.key(snapshot.id()),
        SnapshotStateRow.encode(snapshot.id(), condemned));
    loseList();
    assertThat(repair().broughtBack()).isEmpty();
    assertThat(state(snapshot.id())).isEqualTo(condemned);
    assertThatThrownBy(() -> decide(store -> store.undelete(snapshot.id())))
        .isInstanceOf(StoreException.class);
    assertThat(collect().snapshotsReclaimed()).isEqualTo(1);
  }

  @Test
  void aSnapshotStaysOfWhichOnlyTheBringingBackIsLost() throws Exception {
    DiskImage disk = newDisk();
    SnapshotRecord snapshot = repository.backUp(disk);
    decide(store -> store.forget(Set.of(snapshot.id())));
    List<Path> before = repository.tables(Family.CATALOG);
    decide(store -> store.undelete(snapshot.id()));
    List<Path> since = new ArrayList<>(repository.tables(Family.CATALOG));
    since.removeAll(before);
    for (Path table : since) {
      Files.delete(table);
    }
    assertThat(repair().lost())
        .singleElement()
        .matches(item -> item.reason().contains(snapshot.id().hex()));
    assertThat(state(snapshot.id())).isEqualTo(SnapshotState.KEPT);
    Repositories.acknowledgeLosses(repository.dir());
    collect();
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void nothingIsReclaimedBeforeTheLossOfASnapshotIsAcknowledged() throws Exception {
    repository.backUp(newDisk());
    SnapshotRecord second = repository.backUp(newDisk());
    List<Path> tables = repository.tables(Family.CATALOG);
    Path newest = tables.get(tables.size() - 1);
    Files.delete(newest);
    RepairReport report = repair();
    assertThat(report.lost())
        .singleElement()
        .matches(item -> item.what().contains("rows of the catalog"))
        .matches(item -> item.reason().contains(second.id().hex()))
        .matches(item -> item.reason().contains(String.valueOf(newest.getFileName())));
    long records = Inspection.of(repository.dir(), CHUNK).records().size();
    for (boolean dryRun : new boolean[] {true, false}) {
      assertThatThrownBy(() -> collect(dryRun))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining(second.id().hex())
          .hasMessageContaining("repair --acknowledge");
    }
    assertThat(items()).extracting(DamagedItem::what).containsExactly("the catalog");
    assertThat(Inspection.of(repository.dir(), CHUNK).records()).hasSize((int) records);
    assertThat(Repositories.acknowledgeLosses(repository.dir()))
        .singleElement()
        .matches(line -> line.contains(second.id().hex()));
    assertThat(Repositories.acknowledgeLosses(repository.dir())).isEmpty();
    assertThat(items()).isEmpty();
    assertThat(collect().recordsUnreachable()).isGreaterThan(CHUNKS);
    assertThat(repository.dir().resolve("quarantine/incomplete-1")).exists();
  }

  @Test
  void theLossOfASnapshotIsRememberedThroughOtherRepairs() throws Exception {
    repository.backUp(newDisk());
    Files.delete(last(repository.tables(Family.CATALOG)));
    repair();
    loseList();
    assertThat(repair().lost()).isEmpty();
    assertThatThrownBy(this::collect).hasMessageContaining("repair --acknowledge");
  }

  @Test
  void countsTheRowsThatABadBlockTakesAlong() throws Exception {
    repository.backUp(newDisk());
    Path table = last(repository.tables(Family.CATALOG));
    byte[] bytes = Files.readAllBytes(table);
    bytes[20] ^= 1;
    Files.write(table, bytes);
    assertThat(repair().lost())
        .singleElement()
        .matches(item -> item.what().matches("[1-9][0-9]* rows of the catalog"));
  }

  @Test
  void noBackupReliesOnWhatTheRepairHasFoundLost() throws Exception {
    DiskImage disk = newDisk();
    SnapshotRecord first = repository.backUp(disk);
    Path largest = null;
    for (Path table : repository.tables(Family.CHUNK)) {
      largest = largest == null || Files.size(table) > Files.size(largest) ? table : largest;
    }
    Files.delete(java.util.Objects.requireNonNull(largest));
    assertThat(repair().flagged()).isGreaterThanOrEqualTo(CHUNKS);
    SnapshotRecord second = repository.backUp(disk);
    assertThat(repository.read(second.id())).isEqualTo(disk.bytes());
    assertThat(repository.read(first.id())).isEqualTo(disk.bytes());
    assertThat(items()).isEmpty();
  }

  /** Does something with a store. */
  @FunctionalInterface
  private interface Deed {
    void on(ChunkStore store) throws StoreException;
  }

  private void decide(Deed deed) throws StoreException {
    try (ChunkStore store = repository.open()) {
      deed.on(store);
    }
  }

  private void loseList() throws IOException {
    for (Path file : repository.files()) {
      if (String.valueOf(file.getFileName()).startsWith("MANIFEST-")) {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
      }
    }
  }

  private RepairReport repair() throws StoreException {
    return Repositories.repair(repository.dir(), (what, done, expected) -> {});
  }

  private CollectReport collect() throws StoreException {
    return collect(false);
  }

  private CollectReport collect(boolean dryRun) throws StoreException {
    CollectOptions options = new CollectOptions(dryRun, java.util.OptionalLong.empty());
    try (ChunkStore store = repository.open()) {
      return store.collect(options, CollectListener.silent());
    }
  }

  private List<DamagedItem> items() throws StoreException {
    try (ChunkStore store = repository.open()) {
      return store.verify(VerifyOptions.everything(1), progress -> true).items();
    }
  }

  private SnapshotState state(SnapshotId id) throws StoreException {
    try (ChunkStore store = repository.open()) {
      return store.catalog().stream()
          .filter(entry -> entry.record().id().equals(id))
          .map(CatalogEntry::state)
          .findFirst()
          .orElseThrow();
    }
  }

  private DiskImage newDisk() {
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    return disk;
  }

  private static Path last(List<Path> paths) {
    return paths.get(paths.size() - 1);
  }
}
