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
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.restore.RestoreRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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
        .contains("block checksum mismatch in file " + largestTable().getFileName())
        .doesNotContain("computed")
        .containsPattern(
            "cannot be read: disk vda of vm: 16384 bytes from \\d+, in snapshot "
                + snapshot.shortForm()
                + "\n")
        .contains("DAMAGED");
    assertThat(run.err()).contains("damage was found: 1 range of disks");
    JsonNode range = TestRun.of("-r", dir, "verify", "--json").event("damaged-range");
    assertThat(range.path("snapshot").asText()).isEqualTo(snapshot.hex());
    assertThat(range.path("lengthBytes").asLong()).isEqualTo(CHUNK);
  }

  @Test
  void namesARangeThatManySnapshotsShareOnce() throws IOException {
    try (ChunkStore store = Repositories.open(Path.of(dir))) {
      for (int i = 0; i < 4; i++) {
        assertThat(backUp(store)).isNotNull();
      }
    }
    flipAByte();
    TestRun run = TestRun.of("-r", dir, "verify");
    assertThat(run.out().lines().filter(line -> line.startsWith("cannot be read: ")))
        .singleElement()
        .asString()
        .contains(", in snapshots ")
        .endsWith(" and 2 more");
    assertThat(run.err()).contains("damage was found: 5 ranges of disks");
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
  void countsFilesWhereItReadsFiles() throws IOException {
    List<JsonNode> told = TestRun.of("-r", dir, "repair", "--json").json();
    assertThat(told)
        .noneMatch(json -> json.has("doneBytes"))
        .anySatisfy(
            json -> {
              assertThat(json.path("event").textValue()).isEqualTo("phase");
              assertThat(json.path("phase").textValue()).isEqualTo("checking files");
              assertThat(json.path("expected").intValue()).isBetween(1, 100);
            });
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
  void restoresWhatIsLeftOfADamagedDiskIfThatIsWanted() throws IOException {
    byte[] whole = restored("whole", 0);
    flipAByte();
    Path target = temporary.resolve("refused");
    TestRun refused = TestRun.of("-r", dir, "restore", "vm@latest", "--to", target.toString());
    assertThat(refused.code()).isEqualTo(ExitCode.FAILED);
    assertThat(refused.err())
        .containsPattern("disk vda cannot be restored: 16384 bytes from \\d+ cannot be read")
        .contains("nbdvault verify")
        .contains("--salvage")
        .doesNotContain("computed");
    assertThat(target).doesNotExist();

    byte[] rest = restored("rest", ExitCode.PARTIAL, "--salvage");

    JsonNode range = TestRun.of("-r", dir, "verify", "--json").event("damaged-range");
    int offset = range.path("offsetBytes").intValue();
    assertThat(Arrays.copyOfRange(whole, offset, offset + CHUNK)).isNotEqualTo(new byte[CHUNK]);
    Arrays.fill(whole, offset, offset + CHUNK, (byte) 0);
    assertThat(Arrays.mismatch(rest, whole)).isEqualTo(-1);
  }

  @Test
  void listsWhatIsRestoredAsZeroes() throws IOException {
    flipAByte();
    String to = temporary.resolve("rest").toString();
    TestRun text = TestRun.of("-q", "-r", dir, "restore", "vm@latest", "--salvage", "--to", to);
    assertThat(text.out())
        .containsPattern("^vda: cannot be read, zeroes instead: 16384 bytes from \\d+\n$");
    assertThat(text.err()).startsWith("nbdvault: 16384 bytes could not be read and are zeroes");
    TestRun run =
        TestRun.of("-r", dir, "restore", "vm@latest", "--salvage", "--force", "--to", to, "--json");
    assertThat(run.event("damaged-range").path("lengthBytes").intValue()).isEqualTo(CHUNK);
    assertThat(run.event("restored").path("dataBytes").intValue()).isEqualTo(CHUNK * (CHUNKS - 1));
    assertThat(run.event("summary").path("job").textValue()).isEqualTo("restore");
    assertThat(run.event("error").path("code").intValue()).isEqualTo(ExitCode.PARTIAL);
  }

  @Test
  void restoresZeroesWhereAFileIsMissing() throws IOException {
    Files.delete(largestTable());
    assertThat(restored("rest", ExitCode.PARTIAL, "--salvage")).containsOnly((byte) 0);
  }

  @Test
  void aRestoreOfAPlanThatWroteZeroesCountsAsFailed() throws Exception {
    flipAByte();
    Path whole = temporary.resolve("refused");
    Path rest = temporary.resolve("rest");
    assertThat(failedBeside(whole, false)).containsExactly("restore to " + whole);
    assertThat(whole).doesNotExist();
    assertThat(failedBeside(rest, true)).containsExactly("restore to " + rest);
    assertThat(rest).hasSize(CHUNK * CHUNKS);
  }

  private List<String> failedBeside(Path to, boolean salvage) throws Exception {
    RestoreRequest request =
        new RestoreRequest("vm@latest", List.of(), to.toString(), Optional.empty(), false, salvage);
    Surroundings surroundings =
        TestRun.surroundings(new ByteArrayOutputStream(), new ByteArrayOutputStream(), Map.of());
    try (ChunkStore store = Repositories.open(Path.of(dir));
        PlanDisplay display =
            new PlanDisplay(new PlanStyle.Json(new JsonLines(surroundings.out()), false), null);
        PlanCompanions companions =
            new PlanCompanions(store, EngineLimits.defaults(), new Cancellation(), display)) {
      companions.begin(new BackupPlan(1, List.of(), false, List.of(request)));
      return companions.await();
    }
  }

  private byte[] restored(String name, int code, String... more) throws IOException {
    Path target = temporary.resolve(name);
    List<String> args = new ArrayList<>(List.of("-r", dir, "restore", "vm@latest"));
    args.addAll(List.of("--to", target.toString()));
    args.addAll(List.of(more));
    TestRun run = TestRun.of(args.toArray(new String[0]));
    assertThat(run.code()).as(run.err()).isEqualTo(code);
    return Files.readAllBytes(target);
  }

  @Test
  void namesTheWayOutWhereFilesAreMissing() throws IOException {
    Path table = largestTable();
    Path kept = temporary.resolve("kept");
    Files.move(table, kept);
    assertSaysRepair("file " + table.getFileName() + " is missing");
    Files.move(kept, table);
    for (String name : List.of("config.json", "db/CURRENT", manifest())) {
      Path file = Path.of(dir, name);
      Files.move(file, kept);
      boolean config = name.equals("config.json");
      assertSaysRepair(file.getFileName() + (config ? ": is missing" : " is missing"));
      Files.move(kept, file);
    }
    assertThat(TestRun.of("-r", dir, "snapshots").code()).isZero();
  }

  private void assertSaysRepair(String reason) {
    TestRun run = TestRun.of("-r", dir, "snapshots");
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(run.err())
        .startsWith("nbdvault: Damaged: ")
        .endsWith(reason + ". What can be done shows: nbdvault repair\n")
        .hasLineCount(1);
  }

  private String manifest() throws IOException {
    try (DirectoryStream<Path> lists = Files.newDirectoryStream(Path.of(dir, "db"), "MANIFEST-*")) {
      return "db/" + lists.iterator().next().getFileName();
    }
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
