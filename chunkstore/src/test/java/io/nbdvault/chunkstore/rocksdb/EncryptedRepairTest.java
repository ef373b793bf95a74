package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An encrypted repository is repaired, and its checksums verified, by who has no key of it. */
@Timeout(120)
class EncryptedRepairTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 20;
  private static final KeyFile KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN]);

  @TempDir private Path temporary;
  private Path dir = Path.of("");
  private DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
  private SnapshotId snapshot = new SnapshotId("0".repeat(32));

  @BeforeEach
  void makeRepository() throws StoreException {
    dir = temporary.resolve("repository");
    Random random = Seeds.random("encrypted repair");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    Repositories.createEncrypted(dir, new RepositoryOptions(CHUNK, Compression.LZ4), KEY, "");
    try (ChunkStore store = Repositories.open(dir, Unlocking.with(KEY));
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      snapshot = session.snapshotId();
      session.commit(
          TestRecords.snapshot(
              snapshot, TestRecords.TIME, disk.backUp(session, "vda", Optional.empty())));
    }
  }

  @Test
  void makesIndexAndCountersAgainWithoutAKey() throws Exception {
    for (Family family : new Family[] {Family.INDEX, Family.DEFAULT}) {
      for (Path table : tables(family)) {
        Files.delete(table);
      }
      Repositories.repair(dir, (what, done, expected) -> {});
      assertWhole();
    }
  }

  @Test
  void makesTheDatabaseAgainWithoutAKey() throws Exception {
    try (DirectoryStream<Path> lists = Files.newDirectoryStream(dir.resolve("db"), "MANIFEST-*")) {
      for (Path list : lists) {
        Files.write(list, new byte[100]);
      }
    }
    Repositories.repair(dir, (what, done, expected) -> {});
    assertWhole();
  }

  @Test
  void verifiesChecksumsWithoutAKey() throws Exception {
    VerifyOptions checksums = new VerifyOptions(Set.of(), 100, 0, true, 2);
    try (ChunkStore store = Repositories.openLocked(dir)) {
      assertThat(store.verify(checksums, progress -> true).isClean()).isTrue();
    }
    for (Path table : tables(Family.CHUNK)) {
      byte[] bytes = Files.readAllBytes(table);
      if (bytes.length > CHUNK) {
        bytes[bytes.length / 2] ^= 1;
        Files.write(table, bytes);
      }
    }
    try (ChunkStore store = Repositories.openLocked(dir)) {
      VerifyReport report = store.verify(checksums, progress -> true);
      assertThat(report.contentsFound()).isEqualTo(1);
      assertThat(report.contents()).singleElement().matches(c -> c.ordinal().isPresent());
    }
  }

  private void assertWhole() throws IOException {
    try (ChunkStore store = Repositories.open(dir, Unlocking.with(KEY));
        SnapshotReader reader = store.open(snapshot)) {
      assertThat(store.verify(VerifyOptions.everything(2), progress -> true).isClean()).isTrue();
      assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(disk.bytes());
    }
  }

  private Path[] tables(Family family) throws StoreException {
    Path db = dir.resolve("db");
    try (Database database = Database.open("test", db, DatabaseAccess.READ_ONLY)) {
      return database.liveFiles().stream()
          .filter(table -> Arrays.equals(table.columnFamilyName(), family.nameBytes()))
          .map(table -> DamagedTables.fileOf(db, table))
          .toArray(Path[]::new);
    }
  }
}
