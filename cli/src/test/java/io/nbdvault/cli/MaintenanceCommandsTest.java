package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Collecting and comparing, on snapshots of a few chunks. */
class MaintenanceCommandsTest {
  private static final int CHUNK = 64 << 10;
  private static final byte[] A = chunk(1);
  private static final byte[] B = chunk(2);
  private static final byte[] C = chunk(3);

  @TempDir private Path dir;
  private Path repository = Path.of("");

  @BeforeEach
  void create() throws StoreException {
    repository = dir.resolve("repository");
    Repositories.create(repository, RepositoryOptions.defaults());
  }

  private static byte[] chunk(long seed) {
    byte[] bytes = new byte[CHUNK];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private String commit(String time, long sizeBytes, byte[]... chunks) throws StoreException {
    try (ChunkStore store = Repositories.open(repository)) {
      SnapshotRecord snapshot =
          StoredSnapshots.commitAt(store, "web", Instant.parse(time), sizeBytes, chunks);
      return snapshot.id().hex();
    }
  }

  private TestRun run(int code, String... args) {
    TestRun run = TestRun.with(Map.of("NBDVAULT_REPO", repository.toString()), args);
    assertThat(run.code()).as(run.out() + run.err()).isEqualTo(code);
    return run;
  }

  @Test
  void looksWhatACollectionWouldFreeBesideAWriterAndChangesNothing() throws IOException {
    String first = commit("2026-11-10T03:00:00Z", 1 << 20, A, B);
    commit("2026-11-11T03:00:00Z", 1 << 20, A, C);
    run(0, "forget", first);
    Map<Path, byte[]> before = files();
    String found = "would reclaim 1 forgotten snapshot; nothing needs 64.";

    assertThat(run(0, "gc", "--dry-run").out()).startsWith(found);

    Map<Path, byte[]> after = files();
    assertThat(after.keySet()).isEqualTo(before.keySet());
    after.forEach((path, bytes) -> assertThat(bytes).as("%s", path).isEqualTo(before.get(path)));
    try (ChunkStore store = Repositories.open(repository)) {
      assertThat(store.snapshots()).hasSize(1);
      assertThat(run(0, "gc", "--dry-run").out()).startsWith(found);
    }
  }

  @Test
  void repairsOnlyOnceTheRepositoryIsFreeAndWaitsAsLongAsItMay() throws IOException {
    try (ChunkStore store = Repositories.open(repository)) {
      assertThat(store.snapshots()).isEmpty();
      assertThat(run(11, "repair").err()).doesNotContain("Waiting");
      for (String[] repair : new String[][] {{"repair"}, {"repair", "--apply"}}) {
        List<String> arguments = new ArrayList<>(List.of(repair));
        arguments.addAll(List.of("--lock-wait", "1s"));
        assertThat(run(11, arguments.toArray(String[]::new)).err())
            .contains("Waiting for it, at most 1 s");
      }
    }
    run(0, "repair", "--apply", "--lock-wait", "1s");
  }

  private Map<Path, byte[]> files() throws IOException {
    Map<Path, byte[]> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(repository)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(path, Files.readAllBytes(path));
      }
    }
    return files;
  }

  @Test
  void collectsWhatIsForgottenAndNothingElse() throws IOException {
    String first = commit("2026-11-10T03:00:00Z", 1 << 20, A, B);
    String second = commit("2026-11-11T03:00:00Z", 1 << 20, A, C);
    run(0, "forget", first);

    assertThat(run(0, "gc", "--dry-run").out())
        .startsWith("would reclaim 1 forgotten snapshot; nothing needs 64.")
        .contains("K in 2 records\nkept 2 chunks and 1 tree node; took ");
    assertThat(run(0, "snapshots", "--forgotten").out()).contains(first.substring(0, 8));
    JsonNode summary = run(0, "gc", "--json").event("summary");

    assertThat(summary.path("job").textValue()).isEqualTo("gc");
    assertThat(summary.path("snapshotsReclaimed").intValue()).isEqualTo(1);
    assertThat(summary.path("chunksLive").intValue()).isEqualTo(2);
    assertThat(summary.path("nodesLive").intValue()).isEqualTo(1);
    assertThat(summary.path("recordsUnreachable").intValue()).isEqualTo(2);
    assertThat(summary.path("unreachableBytes").longValue()).isGreaterThan(CHUNK);
    assertThat(run(0, "snapshots", "--forgotten").err())
        .isEqualTo("there are no forgotten snapshots\n");
    assertThat(run(2, "undelete", first).err()).contains("among the forgotten snapshots");
    Path restored = dir.resolve("restored");
    run(0, "restore", second, "--to", restored.toString());
    assertThat(restored).hasSize(1 << 20);
    run(0, "verify");
    assertThat(run(0, "gc").out()).startsWith("reclaimed 0 forgotten snapshots; nothing needs 0B");
    assertThat(run(0, "gc", "-q").out()).isEmpty();
  }

  @Test
  void tellsAProgramOfThePhases() throws IOException {
    run(0, "forget", commit("2026-11-10T03:00:00Z", 1 << 20, A, B));
    List<JsonNode> phases =
        run(0, "gc", "--json").json().stream()
            .filter(json -> json.path("event").textValue().equals("phase"))
            .toList();
    assertThat(phases).isNotEmpty();
    assertThat(phases)
        .allSatisfy(
            phase -> {
              assertThat(phase.path("phase").textValue()).isIn("mark", "scan", "sweep", "reclaim");
              // Nobody knows before how many nodes will be marked, or rows looked at.
              boolean counts = Set.of("mark", "scan").contains(phase.path("phase").textValue());
              assertThat(phase.has("expected")).isNotEqualTo(counts);
              assertThat(phase.path("expected").asLong(Long.MAX_VALUE))
                  .isGreaterThanOrEqualTo(phase.path("done").longValue());
            });
  }

  @Test
  void forgetsAndCollectsAtOnceButNotAfterAWarning() throws IOException, StoreException {
    for (int day = 10; day < 14; day++) {
      commit("2026-11-" + day + "T03:00:00Z", 1 << 20, chunk(day));
    }
    TestRun done = run(0, "forget", "--vm", "web", "--keep-last", "3", "--gc");
    assertThat(done.out()).contains("forgot 1 of 4 snapshots", "reclaimed 1 forgotten snapshot");

    commit("2026-11-13T03:01:00Z", 1 << 20, A);
    TestRun refused = run(3, "forget", "--vm", "web", "--keep-last", "2", "--gc");
    assertThat(refused.err().lines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("nbdvault: warning: VM web: its snapshots cover 2 days");
    assertThat(refused.err()).contains("no space was reclaimed");
    assertThat(run(0, "snapshots", "--forgotten").out().lines()).hasSize(3);
  }

  @Test
  void showsWhichBytesDiffer() throws IOException {
    String first = commit("2026-11-10T03:00:00Z", 1 << 20, A, B, B, A);
    String second = commit("2026-11-11T03:00:00Z", 2 << 20, A, C, A, A, B);

    assertThat(run(0, "diff", first, second).out())
        .isEqualTo(
            """
            disk vda: 1M, then 2M
            disk vda:
                        OFFSET             LENGTH
                         65536             131072
                        262144              65536
            disk vda: 192K differ, ranges: 2
            """);
    assertThat(run(0, "diff", first, first).out()).isEqualTo("disk vda: no difference\n");
    List<JsonNode> lines = run(0, "diff", "web@2026-11-10", "web@latest", "--json").json();
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0).path("fromSizeBytes").longValue()).isEqualTo(1 << 20);
    assertThat(lines.get(0).path("toSizeBytes").longValue()).isEqualTo(2 << 20);
    assertThat(lines.get(1).path("disk").textValue()).isEqualTo("vda");
    assertThat(lines.get(2).path("offsetBytes").longValue()).isEqualTo(4 * CHUNK);
    assertThat(lines.get(2).path("lengthBytes").longValue()).isEqualTo(CHUNK);
    assertThat(lines.get(3).path("from").textValue()).isEqualTo(first);
    assertThat(lines.get(3).path("to").textValue()).isEqualTo(second);
    assertThat(lines.get(3).at("/disks/0/differentBytes").longValue()).isEqualTo(3 * CHUNK);
    assertThat(run(2, "diff", first, second, "--disk", "vdz").err())
        .isEqualTo("nbdvault: neither snapshot has a disk 'vdz' (they have: vda)\n");
    assertThat(run(0, "diff", first, second, "--disk", "vda").out()).contains("192K differ");
  }

  @Test
  void showsWhatTheRepositoryHoldsAndForWhom() throws IOException {
    String first = commit("2026-11-10T03:00:00Z", 1 << 20, A, B);
    String second = commit("2026-11-11T03:00:00Z", 1 << 20, A, C, C);
    run(0, "forget", commit("2026-11-12T03:00:00Z", 1 << 20, chunk(4)));

    List<String> lines = run(0, "stats", "--snapshots").out().lines().toList();
    assertThat(lines.subList(0, 4))
        .extracting(line -> line.replaceAll(" +", " "))
        .satisfiesExactly(
            line -> assertThat(line).isEqualTo("VM SNAPSHOT SIZE DATA ALONE STORED"),
            line -> assertThat(line).startsWith("web all 2 2M 320K 192K 19"),
            line -> assertThat(line).startsWith("web " + first.substring(0, 8) + " 1M 128K 64K 6"),
            line ->
                assertThat(line).startsWith("web " + second.substring(0, 8) + " 1M 192K 64K 6"));
    assertThat(String.join("\n", lines))
        .contains("needed by snapshots   192K, stored in 19")
        .contains("deduplication         1.67 : 1", "compression           1.00 : 1")
        .contains("that nothing needs")
        .doesNotContain("missing");
    assertThat(run(0, "stats").out().lines()).hasSize(8);

    List<JsonNode> json =
        run(0, "stats", "--json").json().stream()
            .filter(line -> !line.path("event").textValue().equals("phase"))
            .toList();
    assertThat(json).hasSize(4);
    assertThat(json.get(0).at("/alone/chunks").intValue()).isEqualTo(3);
    assertThat(json.get(0).path("snapshots").intValue()).isEqualTo(2);
    assertThat(json.get(1).path("id").textValue()).isEqualTo(first);
    assertThat(json.get(1).at("/alone/plainBytes").intValue()).isEqualTo(CHUNK);
    JsonNode summary = json.get(3);
    assertThat(summary.path("job").textValue()).isEqualTo("stats");
    assertThat(summary.path("diskBytes").longValue()).isGreaterThan(3 * CHUNK);
    assertThat(summary.at("/reachable/chunks").intValue()).isEqualTo(3);
    assertThat(summary.at("/stored/chunks").intValue()).isEqualTo(4);
    assertThat(summary.path("deduplicationRatio").doubleValue()).isEqualTo(1.67);
  }

  @Test
  void anEmptyRepositoryHoldsNothing() throws IOException {
    assertThat(run(0, "stats").out())
        .matches(
            """
            needed by snapshots   0B, stored in 0B
            files on disk         \\S+
            deduplication         -
            compression           -
            for gc                0B that nothing needs
            """);
    assertThat(run(0, "stats", "--json").event("summary").has("compressionRatio")).isFalse();
    assertThat(run(0, "gc").out())
        .startsWith("reclaimed 0 forgotten snapshots")
        .contains("\ndeleted nothing\n");
  }
}
