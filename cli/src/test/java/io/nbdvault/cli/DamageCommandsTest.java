package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code verify} and {@code repair} on a snapshot of a disk of 64 chunks that do not compress. */
@Timeout(120)
class DamageCommandsTest {
  private static final int CHUNK = 16 << 10;
  private static final int CHUNKS = 64;

  @TempDir private Path temporary;
  private String dir = "";
  private SnapshotId snapshot = new SnapshotId("0".repeat(32));

  @BeforeEach
  void makeRepository() throws StoreException {
    Path repository = temporary.resolve("repository");
    dir = repository.toString();
    Repositories.create(repository, new RepositoryOptions(CHUNK, Compression.LZ4));
    try (ChunkStore store = Repositories.open(repository)) {
      snapshot = backUp(store).id();
    }
  }

  private static SnapshotRecord backUp(ChunkStore store) throws StoreException {
    Random random = new Random(1);
    byte[] chunk = new byte[CHUNK];
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      DiskTreeBuilder tree = session.newDisk((long) CHUNKS * CHUNK, Optional.empty());
      for (int i = 0; i < CHUNKS; i++) {
        random.nextBytes(chunk);
        tree.append(i, session.put(chunk, 0, CHUNK).join().id());
      }
      return session.commit(
          StoredSnapshots.record(session.snapshotId(), (long) CHUNKS * CHUNK, tree.finish()));
    }
  }

  @Test
  void saysThatAWholeRepositoryIsWhole() throws IOException {
    TestRun run = TestRun.of("-r", dir, "verify");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("1 snapshots, 65 records").contains("no damage");
    assertThat(TestRun.of("-r", dir, "verify", snapshot.hex().substring(0, 8)).code()).isZero();
    assertThat(TestRun.of("-r", dir, "verify", "vm@latest", "--checksums-only").code()).isZero();
    TestRun plan = TestRun.of("-r", dir, "repair");
    assertThat(plan.code()).isZero();
    assertThat(plan.out()).contains("nothing is to be repaired");
    JsonNode summary = TestRun.of("-r", dir, "verify", "--json").event("summary");
    assertThat(summary.path("damagedRanges").asInt(-1)).isZero();
  }

  @Test
  void samplesARepositoryAsBefore() throws IOException {
    JsonNode first = TestRun.of("-r", dir, "verify", "--sample", "50", "--json").event("summary");
    String seed = first.path("seed").asText();
    TestRun again = TestRun.of("-r", dir, "verify", "--sample", "50", "--seed", seed, "--json");
    assertThat(again.event("summary").path("records")).isEqualTo(first.path("records"));
    assertThat(TestRun.of("-r", dir, "verify", "--sample", "0").code()).isEqualTo(2);
    assertThat(TestRun.of("-r", dir, "verify", "--sample", "101").code()).isEqualTo(2);
  }

  @Test
  void namesWhatIsDamagedAndEndsWithThree() throws IOException {
    flipAByte();
    TestRun run = TestRun.of("-r", dir, "verify");
    assertThat(run.code()).isEqualTo(ExitCode.PARTIAL);
    assertThat(run.out())
        .contains("damaged: chunk ")
        .contains("cannot be read: snapshot " + snapshot.shortForm() + " of vm, disk vda: 16384")
        .contains("DAMAGED");
    assertThat(run.err()).contains("damage was found: 1 ranges");
    JsonNode range = TestRun.of("-r", dir, "verify", "--json").event("damaged-range");
    assertThat(range.path("snapshot").asText()).isEqualTo(snapshot.hex());
    assertThat(range.path("lengthBytes").asLong()).isEqualTo(CHUNK);
  }

  @Test
  void healsWhatIsDamagedByABackupAfterARepair() throws IOException {
    flipAByte();
    TestRun plan = TestRun.of("-r", dir, "repair");
    assertThat(plan.code()).isEqualTo(ExitCode.PARTIAL);
    assertThat(plan.out()).contains("a repair would").contains("take the damaged files out");
    TestRun repair = TestRun.of("-r", dir, "repair", "--apply");
    assertThat(repair.code()).isEqualTo(ExitCode.PARTIAL);
    assertThat(repair.out()).contains("put back: ").contains("lies in quarantine/db-1");
    assertThat(TestRun.of("-r", dir, "repair").code()).isZero();
    try (ChunkStore store = Repositories.open(Path.of(dir))) {
      assertThat(backUp(store)).isNotNull();
    }
    assertThat(TestRun.of("-r", dir, "verify").code()).isZero();
  }

  @Test
  void namesAFileThatIsMissing() throws IOException {
    Path table = largestTable();
    Files.delete(table);
    TestRun run = TestRun.of("-r", dir, "verify");
    assertThat(run.code()).isEqualTo(ExitCode.PARTIAL);
    assertThat(run.out()).contains(table.getFileName() + " of family chunk: is missing");
    assertThat(run.err()).contains("nbdvault repair");
    JsonNode summary = TestRun.of("-r", dir, "repair", "--apply", "--json").event("summary");
    assertThat(summary.path("damagedRanges").asInt()).isPositive();
  }

  @Test
  void namesSnapshotsThatARepairCannotBringBackUntilThatIsAcknowledged() throws IOException {
    try (DirectoryStream<Path> tables = Files.newDirectoryStream(Path.of(dir, "db"), "*.sst")) {
      for (Path table : tables) {
        if (Files.readString(table, StandardCharsets.ISO_8859_1).contains("catalog")) {
          Files.delete(table);
        }
      }
    }
    TestRun repair = TestRun.of("-r", dir, "repair", "--apply");
    assertThat(repair.code()).isEqualTo(ExitCode.PARTIAL);
    assertThat(repair.out()).contains("LOST: ").contains(snapshot.hex());
    assertThat(repair.err()).contains("repair --acknowledge");
    TestRun gc = TestRun.of("-r", dir, "gc");
    assertThat(gc.code()).isNotZero();
    assertThat(gc.err()).contains("repair --acknowledge");
    assertThat(TestRun.of("-r", dir, "verify").code()).isEqualTo(ExitCode.PARTIAL);
    TestRun acknowledged = TestRun.of("-r", dir, "repair", "--acknowledge");
    assertThat(acknowledged.code()).isZero();
    assertThat(acknowledged.out()).contains("given up: ").contains(snapshot.hex());
    JsonNode again = TestRun.of("-r", dir, "repair", "--acknowledge", "--json").event("summary");
    assertThat(again.path("acknowledged")).isEmpty();
    assertThat(TestRun.of("-r", dir, "gc").code()).isZero();
    assertThat(TestRun.of("-r", dir, "verify").code()).isZero();
    assertThat(TestRun.of("-r", dir, "repair", "--apply", "--acknowledge").code()).isEqualTo(2);
  }

  @Test
  void repairsNoRepositoryThatIsNone() {
    TestRun run = TestRun.of("-r", temporary.toString(), "repair");
    assertThat(run.code()).isEqualTo(ExitCode.NO_REPOSITORY);
  }

  private void flipAByte() throws IOException {
    Path table = largestTable();
    byte[] bytes = Files.readAllBytes(table);
    bytes[bytes.length / 2] ^= 1;
    Files.write(table, bytes);
  }

  private Path largestTable() throws IOException {
    Path largest = Path.of(dir, "config.json");
    try (DirectoryStream<Path> tables = Files.newDirectoryStream(Path.of(dir, "db"), "*.sst")) {
      for (Path table : tables) {
        largest = Files.size(table) > Files.size(largest) ? table : largest;
      }
    }
    return largest;
  }
}
