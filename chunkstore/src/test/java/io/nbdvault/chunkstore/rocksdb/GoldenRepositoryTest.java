package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Repositories as versions of the format wrote them, database and all: that of version 1 by the
 * last commit that wrote it. Each has two snapshots of a disk, the second with a chunk changed.
 */
@Timeout(60)
class GoldenRepositoryTest {
  private static final int CHUNK = 16 << 10;
  private static final int CHANGED = 5;

  /** The process is killed: nothing after this is written, and nothing before is undone. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1;
  }

  @TempDir private Path temporary;

  @AfterEach
  void letChangesBe() {
    Database.beforeChange = () -> {};
  }

  @ParameterizedTest
  @ValueSource(strings = {"v1", "v2"})
  void isReadByWhoOnlyReads(String version) throws Exception {
    Path dir = unpack(version);
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      assertHoldsBoth(store);
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).contentsFound())
          .isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"v1", "v2"})
  void isRaisedBackedUpIntoAndCollected(String version) throws Exception {
    Path dir = unpack(version);
    DiskImage third = disk(1);
    third.fill(7, 200);
    SnapshotRecord record;
    try (ChunkStore store = Repositories.open(dir)) {
      assertThat(store.config().formatVersion()).isEqualTo(RepositoryConfig.FORMAT_VERSION);
      assertHoldsBoth(store);
      SnapshotRecord parent = store.snapshots().get(1);
      try (BackupSession session = store.beginBackup(Set.of(parent.id()), Compression.LZ4)) {
        var vda = third.backUp(session, "vda", parent.disk("vda"));
        record =
            session.commit(
                TestRecords.snapshot(session.snapshotId(), TestRecords.TIME.plusSeconds(120), vda));
      }
      assertThat(store.statistics(StatisticsListener.silent()).missingChunks()).isZero();
      store.forget(Set.of(store.snapshots().get(0).id()));
      CollectReport report = store.collect(CollectOptions.defaults(), CollectListener.silent());
      // Its chunk that the others have not, its leaf, and its root.
      assertThat(report.recordsUnreachable()).isEqualTo(2);
      assertThat(report.snapshotsReclaimed()).isOne();
    }
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      assertThat(store.snapshots()).hasSize(2);
      assertThat(read(store, store.snapshots().get(0).id())).isEqualTo(disk(1).bytes());
      assertThat(read(store, record.id())).isEqualTo(third.bytes());
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
  }

  @Test
  void isRaisedThoughTheProcessIsKilledBeforeAnyOfItsWrites() throws Exception {
    int change = 1;
    while (isKilledBefore(change)) {
      change++;
    }
    // The copy, its flush, and the file at least.
    assertThat(change).isGreaterThan(3);
  }

  private boolean isKilledBefore(int change) throws Exception {
    Path dir = unpack("v1");
    int[] left = {change};
    Database.beforeChange =
        () -> {
          if (--left[0] == 0) {
            throw new Killed();
          }
        };
    boolean killed = false;
    try {
      ChunkStore store = Repositories.open(dir);
      letChangesBe();
      store.close();
    } catch (Killed e) {
      killed = true;
    } finally {
      letChangesBe();
    }
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      assertHoldsBoth(store);
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).items()).isEmpty();
    }
    try (ChunkStore store = Repositories.open(dir)) {
      assertThat(store.config().formatVersion()).isEqualTo(RepositoryConfig.FORMAT_VERSION);
      assertHoldsBoth(store);
    }
    assertThat(Files.readString(dir.resolve("config.json"))).containsPattern("Version\" ?: ?2");
    return killed;
  }

  @Test
  void isRaisedByARepairThatWritesRowsOfTheNewVersion() throws Exception {
    Path dir = unpack("v1");
    for (Path file : DamagedRepository.at(dir).files()) {
      if (String.valueOf(file.getFileName()).startsWith("MANIFEST-")) {
        Files.write(file, new byte[50]);
      }
    }
    Repositories.repair(dir, (what, done, expected) -> {});
    assertThat(Files.readString(dir.resolve("config.json"))).containsPattern("Version\" ?: ?2");
    assertThat(Repositories.head(dir)).isPresent();
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      assertHoldsBoth(store);
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    try (ChunkStore store = Repositories.open(dir)) {
      assertHoldsBoth(store);
    }
  }

  private static void assertHoldsBoth(ChunkStore store) throws IOException {
    List<SnapshotRecord> snapshots = store.snapshots();
    assertThat(snapshots).hasSize(2);
    for (int i = 0; i < 2; i++) {
      assertThat(read(store, snapshots.get(i).id())).isEqualTo(disk(i).bytes());
    }
  }

  private static byte[] read(ChunkStore store, SnapshotId id) throws IOException {
    try (SnapshotReader reader = store.open(id)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }

  /** What lies in the repositories: the last chunk is short, and one is zeros. */
  private static DiskImage disk(int snapshot) {
    DiskImage disk = new DiskImage(9 * CHUNK + 1000, CHUNK);
    for (int chunk = 0; chunk < 10; chunk++) {
      disk.fill(chunk, chunk == 3 ? 0 : 10 + chunk);
    }
    if (snapshot == 1) {
      disk.fill(CHANGED, 99);
    }
    return disk;
  }

  private Path unpack(String version) throws IOException {
    Path dir = Files.createTempDirectory(temporary, version);
    try (InputStream resource =
            GoldenRepositoryTest.class.getResourceAsStream(
                "/golden/" + version + "/repository.zip");
        ZipInputStream zip = new ZipInputStream(Objects.requireNonNull(resource))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Path file = dir.resolve(entry.getName());
        Files.createDirectories(file.getParent());
        Files.copy(zip, file);
      }
    }
    return dir;
  }
}
