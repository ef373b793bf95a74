package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.UnsupportedFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RepositoryTest {
  @TempDir private Path temporary;

  @Test
  void createsInAnEmptyDirectoryOrANewOne() throws IOException {
    Path existing = Files.createDirectory(temporary.resolve("existing"));
    Path fresh = temporary.resolve("fresh");
    RepositoryOptions options = new RepositoryOptions(16 << 10, Compression.NONE);
    for (Path dir : new Path[] {existing, fresh}) {
      Repositories.create(dir, options);
      try (ChunkStore store = Repositories.open(dir)) {
        assertThat(store.config().chunkSizeBytes()).isEqualTo(16 << 10);
        assertThat(store.config().compression()).isEqualTo(Compression.NONE);
        assertThat(store.config().formatVersion()).isEqualTo(2);
        assertThat(store.snapshots()).isEmpty();
      }
    }
  }

  @Test
  void refusesADirectoryThatIsNotEmptyAndLeavesItAlone() throws IOException {
    Path dir = Files.createDirectory(temporary.resolve("full"));
    Files.writeString(dir.resolve("precious"), "data");
    assertThatThrownBy(() -> Repositories.create(dir, RepositoryOptions.defaults()))
        .isInstanceOf(StoreFailedException.class)
        .hasMessageContaining("not empty");
    assertThat(files(dir)).containsOnlyKeys("precious");
  }

  @Test
  void refusesAFileAndADirectoryWithoutParent() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "data");
    assertThatThrownBy(() -> Repositories.create(file, RepositoryOptions.defaults()))
        .isInstanceOf(StoreFailedException.class);
    assertThat(file).hasContent("data");
    Path orphan = temporary.resolve("no/such");
    assertThatThrownBy(() -> Repositories.create(orphan, RepositoryOptions.defaults()))
        .isInstanceOf(StoreFailedException.class)
        .hasMessageContaining("parent");
    assertThatThrownBy(() -> Repositories.open(file)).isInstanceOf(NoRepositoryException.class);
  }

  @Test
  void saysThatThereIsNoRepositoryAndMakesNone() throws IOException {
    Path missing = temporary.resolve("missing");
    Path empty = Files.createDirectory(temporary.resolve("empty"));
    for (Path dir : new Path[] {missing, empty}) {
      assertThatThrownBy(() -> Repositories.open(dir)).isInstanceOf(NoRepositoryException.class);
      assertThatThrownBy(() -> Repositories.openReadOnly(dir))
          .isInstanceOf(NoRepositoryException.class);
    }
    assertThat(missing).doesNotExist();
    assertThat(empty).isEmptyDirectory();
  }

  @Test
  void refusesASecondOpenerOfTheSameProcessAndKeepsTheLock() throws Exception {
    Path dir = create();
    Path link = Files.createSymbolicLink(temporary.resolve("link"), dir);
    long pid = ProcessHandle.current().pid();
    try (ChunkStore store = Repositories.open(dir)) {
      for (Path path : new Path[] {dir, link}) {
        assertThatThrownBy(() -> Repositories.open(path))
            .isInstanceOfSatisfying(
                RepositoryInUseException.class, e -> assertThat(e.holderPid()).hasValue(pid));
      }
      // Had the second opener touched the lock file, the lock would be gone for other processes.
      assertThat(openInAnotherProcess(dir)).isEqualTo("in use by " + pid);
      assertThat(store.snapshots()).isEmpty();
    }
    assertThat(openInAnotherProcess(dir)).isEqualTo("opened");
    Repositories.open(dir).close();
  }

  @Test
  void opensAgainAfterAFailureToOpen() throws IOException {
    Path dir = create();
    Path config = dir.resolve("config.json");
    String good = Files.readString(config);
    Files.writeString(config, good.replace("65536", "131072"));
    assertThatThrownBy(() -> Repositories.open(dir))
        .isInstanceOf(DamagedException.class)
        .hasMessageContaining("config.json");
    assertThatThrownBy(() -> Repositories.openReadOnly(dir)).isInstanceOf(DamagedException.class);
    Files.writeString(config, good.replace("65536", "65537"));
    assertThatThrownBy(() -> Repositories.open(dir)).isInstanceOf(DamagedException.class);
    Files.writeString(config, good);
    Repositories.open(dir).close();
  }

  @Test
  void refusesANewerFormatWhateverElseItHolds() throws IOException {
    Path dir = create();
    Files.writeString(dir.resolve("config.json"), "{\"formatVersion\": 7, \"cipher\": {}}");
    Map<String, String> before = files(dir);
    for (boolean readOnly : new boolean[] {false, true}) {
      assertThatThrownBy(() -> open(dir, readOnly))
          .isInstanceOfSatisfying(
              UnsupportedFormatException.class,
              e -> {
                assertThat(e.found()).isEqualTo(7);
                assertThat(e.supported()).isEqualTo(2);
              });
    }
    assertThat(files(dir)).isEqualTo(before);
  }

  @Test
  void readsBesideAWriterWithoutChangingAnything() throws IOException {
    Path dir = create();
    try (ChunkStore writer = Repositories.open(dir)) {
      SnapshotId first = commitEmpty(writer);
      Map<String, String> before = files(dir);
      try (ChunkStore reader = Repositories.openReadOnly(dir)) {
        assertThat(reader.snapshots()).hasSize(1);
        assertThatThrownBy(() -> reader.beginBackup(Set.of(), Compression.LZ4))
            .isInstanceOf(IllegalStateException.class);
        assertThat(files(dir)).isEqualTo(before);
        SnapshotId second = commitEmpty(writer);
        assertThat(reader.snapshot(second)).isEmpty();
        assertThat(reader.snapshot(first)).isPresent();
        try (ChunkStore later = Repositories.openReadOnly(dir)) {
          assertThat(later.snapshot(second)).isPresent();
        }
      }
    }
  }

  @Test
  void readsEverythingWhileTheWriterCompactsAndDeletesFiles() throws Exception {
    Random random = Seeds.random("compaction");
    Path dir = create();
    DiskImage disk = new DiskImage(10 * (64 << 10), 64 << 10);
    disk.fill(0, random);
    try (ChunkStore writer = Repositories.open(dir)) {
      SnapshotId first = commit(writer, disk);
      byte[] expected = disk.bytes();
      Set<String> tablesAtFirst = tables(dir);
      try (ChunkStore early = Repositories.openReadOnly(dir)) {
        // The index is merged when it has 64 files, which takes as many commits.
        for (int round = 0; round < 500 && tables(dir).containsAll(tablesAtFirst); round++) {
          disk.fill(round % disk.chunkCount(), random);
          commit(writer, disk);
          if (round % 10 == 0 || round > 55) {
            assertReadable(dir, first, expected);
          }
        }
        assertThat(tables(dir).containsAll(tablesAtFirst)).as("nothing was deleted").isFalse();
        assertThat(read(early, first)).isEqualTo(expected);
      }
    }
  }

  @Test
  void neverGivesAnOrdinalTwiceAndReturnsTheUnusedOnesOnClose() throws StoreException {
    Path dir = create();
    Path db = dir.resolve("db");
    try (Database database = Database.open("test", db, DatabaseAccess.READ_WRITE)) {
      OrdinalLease first = lease(dir, database);
      assertThat(first.first()).isEqualTo(1);
      first.ensure(2);
      assertThat(first.take()).isEqualTo(1);
      assertThat(first.take()).isEqualTo(2);
      // As after a kill: nothing was given back.
      OrdinalLease second = lease(dir, database);
      assertThat(second.take()).isEqualTo(1 + StoreLimits.LEASE_ORDINALS);
      second.ensure(StoreLimits.LEASE_ORDINALS);
      for (int taken = 1; taken < 2 * StoreLimits.LEASE_ORDINALS; taken++) {
        second.take();
      }
      assertThatThrownBy(second::take).isInstanceOf(IllegalStateException.class);
      second.giveBack();
      assertThat(lease(dir, database).first()).isEqualTo(1 + 3L * StoreLimits.LEASE_ORDINALS);
    }
  }

  @Test
  void beginsANewEpochAtEveryOpen() throws StoreException {
    Path dir = create();
    for (int round = 0; round < 3; round++) {
      Repositories.open(dir).close();
    }
    Repositories.openReadOnly(dir).close();
    try (Database db = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_ONLY)) {
      assertThat(Counter.EPOCH.read(db)).isEqualTo(4);
      assertThat(Counter.NEXT_ORDINAL.read(db)).isEqualTo(1);
    }
  }

  private static OrdinalLease lease(Path dir, Database database) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    HeadFile head = new HeadFile(directory, directory.readConfig().repositoryId());
    Commits commits = Commits.begin(database, head);
    try (RowBatch batch = database.newBatch()) {
      OrdinalLease lease = OrdinalLease.begin(database, commits, batch);
      commits.commit(batch);
      return lease;
    }
  }

  private Path create() throws StoreException {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    return dir;
  }

  private static void open(Path dir, boolean readOnly) throws StoreException {
    (readOnly ? Repositories.openReadOnly(dir) : Repositories.open(dir)).close();
  }

  private static SnapshotId commitEmpty(ChunkStore store) throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME));
      return session.snapshotId();
    }
  }

  private static void assertReadable(Path dir, SnapshotId id, byte[] expected) throws IOException {
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      assertThat(read(store, id)).isEqualTo(expected);
    }
  }

  private static SnapshotId commit(ChunkStore store, DiskImage disk) throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      DiskRecord vda = disk.backUp(session, "vda", Optional.empty());
      session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
      return session.snapshotId();
    }
  }

  private static byte[] read(ChunkStore store, SnapshotId id) throws IOException {
    try (SnapshotReader reader = store.open(id)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }

  private static Set<String> tables(Path dir) throws IOException {
    Set<String> tables = new TreeSet<>(files(dir).keySet());
    tables.removeIf(name -> !name.endsWith(".sst"));
    return tables;
  }

  private String openInAnotherProcess(Path dir) throws Exception {
    Process process = ChildJvm.start(temporary, OpenRepository.class, dir.toString());
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  /** Runs in a process of its own: says whether the repository could be opened. */
  static final class OpenRepository {
    private OpenRepository() {}

    public static void main(String[] args) throws StoreException {
      try {
        Repositories.open(Path.of(args[0])).close();
        System.out.println("opened");
      } catch (RepositoryInUseException e) {
        System.out.println("in use by " + e.holderPid().orElse(0));
      }
    }
  }

  /** Every file below a directory, with its size and time. */
  private static Map<String, String> files(Path dir) throws IOException {
    Map<String, String> files = new TreeMap<>();
    Files.walkFileTree(
        dir,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String state = attributes.size() + " " + attributes.lastModifiedTime();
            files.put(dir.relativize(file).toString(), state);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              // An open repository took it away after the directory was listed.
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
    return files;
  }
}
