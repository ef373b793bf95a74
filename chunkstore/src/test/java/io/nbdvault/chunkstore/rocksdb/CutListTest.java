package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.HeadSlot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The list of the database's tables is cut, which RocksDB takes for the list of a process that was
 * killed. Whatever was committed is there then, or it is told that it is not.
 */
@Tag("long")
@Timeout(300)
class CutListTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 8;

  /** Not every length: each opens the repository several times. */
  private static final int STEP = 37;

  @TempDir private Path temporary;
  private final Map<SnapshotRecord, byte[]> contents = new HashMap<>();
  private final List<Integer> commits = new ArrayList<>();
  private List<CatalogEntry> whole = List.of();
  private Path dir = Path.of("");
  private Path list = Path.of("");
  private byte[] listBytes = new byte[0];

  @BeforeEach
  void makeRepository() throws Exception {
    dir = temporary.resolve("repository");
    DamagedRepository repository = DamagedRepository.create(dir);
    Random random = Seeds.random("cut list");
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    SnapshotRecord last = null;
    try (ChunkStore store = repository.open()) {
      for (int i = 0; i < 4; i++) {
        disk.fill(i, random);
        last = repository.backUp(store, disk);
        contents.put(last, disk.bytes());
      }
    }
    try (ChunkStore store = repository.open()) {
      list = list();
      noteLength();
      store.forget(Set.of(Objects.requireNonNull(last).id()));
      noteLength();
      disk.fill(5, random);
      contents.put(repository.backUp(store, disk), disk.bytes());
      noteLength();
      whole = store.catalog();
    }
    assertThat(list()).isEqualTo(list);
    listBytes = Files.readAllBytes(list);
  }

  /** Once RocksDB has merged what it wants to: a cut before that leaves tables that are gone. */
  private void noteLength() throws Exception {
    long before = -1;
    while (Files.size(list) != before) {
      before = Files.size(list);
      Thread.sleep(200);
    }
    commits.add((int) before);
  }

  @Test
  void noticesEveryCutThatLosesACommit() throws Exception {
    int harmless = 0;
    int damaged = 0;
    int lost = 0;
    Set<Integer> lengths = new TreeSet<>(commits);
    for (int length = listBytes.length; length >= 0; length -= STEP) {
      lengths.add(length);
    }
    for (int length : lengths) {
      Files.write(list, Arrays.copyOf(listBytes, length));
      switch (lookAt(length)) {
        case HARMLESS -> harmless++;
        case DAMAGED -> damaged++;
        case LOST -> lost++;
      }
    }
    System.out.printf("cuts harmless=%d damaged=%d lost=%d%n", harmless, damaged, lost);
    assertThat(harmless).isPositive();
    assertThat(lost).isGreaterThan(1);
  }

  private enum Cut {
    HARMLESS,
    /** RocksDB itself refuses it. */
    DAMAGED,
    LOST
  }

  private Cut lookAt(int length) throws IOException {
    List<CatalogEntry> found;
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      found = store.catalog();
      for (CatalogEntry entry : found) {
        if (entry.isKept()) {
          assertReads(store, entry.record());
        }
      }
      VerifyReport report = store.verify(VerifyOptions.everything(1), progress -> true);
      if (report.isClean()) {
        assertThat(found).as("cut to %d", length).isEqualTo(whole);
        return Cut.HARMLESS;
      }
      assertThat(report.items()).extracting(DamagedItem::what).anyMatch(w -> w.contains("last"));
      assertThat(store.damagedSnapshots()).isNotEmpty();
    } catch (DamagedException e) {
      assertThatThrownBy(() -> Repositories.open(dir)).isInstanceOf(DamagedException.class);
      return Cut.DAMAGED;
    }
    List<Path> before = files();
    assertThatThrownBy(() -> Repositories.open(dir))
        .isInstanceOf(DamagedException.class)
        .hasMessageContaining("missing from its database")
        .hasMessageContaining("nbdvault repair");
    assertThatThrownBy(() -> Repositories.openToReclaim(dir)).isInstanceOf(DamagedException.class);
    // Opening for writing would have deleted what can still be put back.
    assertThat(files()).as("cut to %d", length).isEqualTo(before);
    return Cut.LOST;
  }

  @Test
  void repairPutsBackWhatTheListHasLost() throws Exception {
    for (int commit = commits.size() - 1; commit >= 0; commit--) {
      Path copy = copyTo("repaired-" + commit);
      Path cut = copy.resolve("db").resolve(list.getFileName());
      Files.write(cut, Arrays.copyOf(listBytes, commits.get(commit)));
      long highest = highestOrdinal();
      RepairPlan plan = Repositories.planRepair(copy, (what, done, expected) -> {});
      assertThat(plan.steps()).contains(RepairStep.TAKE_IN_UNLISTED, RepairStep.WRITE_HEAD);
      assertThat(plan.damage())
          .extracting(DamagedItem::what)
          .anyMatch(what -> what.startsWith("the repository's last"));
      RepairReport report = Repositories.repair(copy, (what, done, expected) -> {});
      assertThat(report.lost()).isEmpty();
      assertThat(report.broughtBack()).hasSize(1);
      try (ChunkStore store = Repositories.open(copy)) {
        assertThat(store.catalog()).as("after commit %d", commit).isEqualTo(noneForgotten());
        for (CatalogEntry entry : whole) {
          if (entry.isKept()) {
            assertReads(store, entry.record());
          }
        }
        assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
      }
      assertThat(Repositories.planRepair(copy, (what, done, expected) -> {}).steps()).isEmpty();
      try (Database db = Database.open("", copy.resolve("db"), DatabaseAccess.READ_ONLY)) {
        assertThat(Counter.NEXT_ORDINAL.read(db)).isGreaterThan(highest);
      }
    }
  }

  @Test
  void repairGivesUpWhatIsLostForGood() throws Exception {
    List<CatalogEntry> left = cutSoThatItOpens();
    // As somebody would who opened it with an earlier version.
    Database.open("", dir.resolve("db"), DatabaseAccess.READ_WRITE).close();
    assertThatThrownBy(() -> Repositories.open(dir)).isInstanceOf(DamagedException.class);
    HeadSlot before = head();
    RepairReport report = Repositories.repair(dir, (what, done, expected) -> {});
    assertThat(report.lost()).isNotEmpty();
    try (ChunkStore store = Repositories.open(dir)) {
      assertThatThrownBy(() -> store.collect(CollectOptions.defaults(), CollectListener.silent()))
          .hasMessageContaining("repair --acknowledge");
    }
    assertThat(Repositories.acknowledgeLosses(dir)).isNotEmpty();
    try (ChunkStore store = Repositories.open(dir)) {
      assertThat(store.catalog()).hasSameSizeAs(left);
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    assertThat(head().commits()).isGreaterThan(before.commits());
    assertThat(head().nextOrdinal()).isGreaterThanOrEqualTo(before.nextOrdinal());
  }

  /** A list that has lost its end does not tell whether a snapshot was brought back since. */
  private List<CatalogEntry> noneForgotten() {
    return whole.stream()
        .map(entry -> new CatalogEntry(entry.record(), SnapshotState.KEPT))
        .toList();
  }

  /** Cuts away as few commits as can be. Returns the snapshots that are left. */
  private List<CatalogEntry> cutSoThatItOpens() throws IOException {
    for (int commit = commits.size() - 2; commit >= 0; commit--) {
      Files.write(list, Arrays.copyOf(listBytes, commits.get(commit)));
      try (ChunkStore store = Repositories.openReadOnly(dir)) {
        assertThat(store.catalog()).isNotEqualTo(whole);
        return store.catalog();
      } catch (DamagedException e) {
        System.out.println("commit=" + commit + " not alone: " + e.getMessage());
      }
    }
    throw new AssertionError("no cut opens");
  }

  private HeadSlot head() throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    return new HeadFile(directory, directory.readConfig().repositoryId())
        .read()
        .newest()
        .orElseThrow();
  }

  private long highestOrdinal() throws StoreException {
    return Inspection.of(dir, CHUNK).records().keySet().stream()
        .mapToLong(Long::longValue)
        .max()
        .orElseThrow();
  }

  private void assertReads(ChunkStore store, SnapshotRecord record) throws IOException {
    try (SnapshotReader reader = store.open(record.id())) {
      assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(contents.get(record));
    }
  }

  private Path list() throws IOException {
    String name = Files.readString(dir.resolve("db/CURRENT")).strip();
    return dir.resolve("db").resolve(name);
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> found = Files.list(dir.resolve("db"))) {
      return found.sorted().toList();
    }
  }

  private Path copyTo(String name) throws IOException {
    Path copy = Files.createDirectory(temporary.resolve(name));
    List<Path> paths = new ArrayList<>();
    try (Stream<Path> found = Files.walk(dir)) {
      found.skip(1).forEach(paths::add);
    }
    for (Path path : paths) {
      Files.copy(path, copy.resolve(dir.relativize(path).toString()));
    }
    return copy;
  }
}
