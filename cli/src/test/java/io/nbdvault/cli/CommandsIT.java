package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands, within this process, on disks that nbdkit serves. */
class CommandsIT {
  private static final int DISK_BYTES = 8 << 20;
  private static final int DATA_BYTES = 3 << 20;
  private static final long SEED = Long.getLong("nbdvault.seed", System.nanoTime());

  @TempDir private Path dir;
  private String repository = "";
  private Path image = Path.of("");

  @BeforeEach
  void createDisk() throws IOException {
    System.err.println("nbdvault.seed=" + SEED);
    repository = dir.resolve("repository").toString();
    image = dir.resolve("disk.img");
    byte[] data = new byte[DATA_BYTES];
    new Random(SEED).nextBytes(data);
    try (FileChannel file =
        FileChannel.open(image, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(data), 1 << 20);
      file.write(ByteBuffer.allocate(1), DISK_BYTES - 1);
    }
  }

  private TestRun nbdvault(String... args) {
    return TestRun.with(Map.of("NBDVAULT_REPO", repository), args);
  }

  /** Runs a command that must succeed. */
  private TestRun done(String... args) {
    TestRun run = nbdvault(args);
    assertThat(run.code()).as(run.out() + run.err()).isZero();
    return run;
  }

  private TestRun backUp(String... more) throws IOException {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "file", image.toString())) {
      List<String> args =
          new ArrayList<>(List.of("backup", "web1", "--nbd", "vda=" + server.uri()));
      args.addAll(List.of(more));
      return done(args.toArray(new String[0]));
    }
  }

  @Test
  void makesARepositoryAndSaysSo() throws IOException {
    TestRun text = done("init", "--chunk-size", "128K");
    assertThat(text.out())
        .matches("made repository [0-9a-f]{32} in .*: chunks of 128K, compression lz4\n");
    assertThat(nbdvault("init").err())
        .isEqualTo("nbdvault: " + repository + " is a repository already\n");

    repository = dir.resolve("second").toString();
    JsonNode summary = done("init", "--json", "--compression", "none").event("summary");
    assertThat(summary.path("chunkSizeBytes").intValue()).isEqualTo(65536);
    assertThat(summary.path("compression").textValue()).isEqualTo("none");
    assertThat(summary.path("repository").textValue()).isEqualTo(repository);
  }

  @Test
  void backsUpListsShowsAndRestores() throws IOException {
    done("init");
    assertThat(done("snapshots").err()).isEqualTo("there are no snapshots yet\n");

    TestRun backup = backUp("--tag", "reason=test");

    assertThat(backup.err()).startsWith("disk vda: read in full: ");
    assertThat(backup.out().lines().toList())
        .hasSize(5)
        .first()
        .asString()
        .matches("snapshot [0-9a-f]{8} of web1");
    List<String> table = done("snapshots", "web1").out().lines().toList();
    assertThat(table).hasSize(2);
    assertThat(table.get(1)).matches("[0-9a-f]{8} web1 .* 8M .* reason=test");
    assertThat(done("show", "web1@latest").out())
        .contains("tag            reason=test", "disk vda");
    assertThat(done("show", table.get(1).substring(0, 8)).out())
        .isEqualTo(done("show", "web1@latest").out());

    Path restored = dir.resolve("restored.raw");
    TestRun restore = done("restore", "web1@latest", "--to", restored.toString());

    assertThat(restore.out().lines()).hasSize(2);
    assertThat(Files.mismatch(image, restored)).isEqualTo(-1);
  }

  @Test
  void tellsAProgramAllOfABackupAndARestore() throws IOException {
    done("init");

    TestRun backup = backUp("--json");

    assertThat(backup.err()).isEmpty();
    assertThat(events(backup))
        .startsWith("started")
        .containsSubsequence("disk-started", "committed", "summary")
        .endsWith("summary");
    JsonNode summary = backup.event("summary");
    String id = summary.path("snapshot").textValue();
    assertThat(id).matches("[0-9a-f]{32}");
    assertThat(backup.event("committed").path("snapshot").textValue()).isEqualTo(id);
    assertThat(summary.at("/total/newBytes").longValue()).isBetween(1L, (long) DISK_BYTES);
    JsonNode listed = done("snapshots", "--json").event("snapshot");
    assertThat(listed.path("id").textValue()).isEqualTo(id);
    assertThat(listed.path("vm").textValue()).isEqualTo("web1");
    assertThat(listed.at("/disks/0/sizeBytes").longValue()).isEqualTo(DISK_BYTES);
    assertThat(done("show", id, "--json").event("snapshot").at("/disks/0/root").textValue())
        .matches("[0-9a-f]{64}");

    TestRun restore = done("restore", id, "--to", dir.resolve("out") + "/", "--json");

    assertThat(events(restore)).containsSubsequence("started", "restored", "summary");
    assertThat(restore.event("summary").at("/disks/0/target").textValue())
        .isEqualTo(dir.resolve("out/vda.raw").toString());
    assertThat(Files.mismatch(image, dir.resolve("out/vda.raw"))).isEqualTo(-1);
  }

  @Test
  void compressesAsTheRepositoryOrTheBackupSays() throws IOException {
    Random random = new Random(SEED);
    byte[] text = new byte[DATA_BYTES];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) ('a' + random.nextInt(4));
    }
    try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(text), 1 << 20);
    }
    done("init", "--compression", "zstd");
    assertThat(storedPercent(backUp("--json"))).isBetween(20L, 50L);
    assertThat(done("restore", "web1@latest", "--to", dir.resolve("a.raw").toString()).code())
        .isZero();
    assertThat(Files.mismatch(image, dir.resolve("a.raw"))).isEqualTo(-1);

    repository = dir.resolve("second").toString();
    done("init", "--compression", "zstd:19");
    assertThat(storedPercent(backUp("--json", "--compression", "none"))).isBetween(100L, 110L);
  }

  private static long storedPercent(TestRun backup) throws IOException {
    JsonNode total = backup.event("summary").path("total");
    return 100 * total.path("storedBytes").longValue() / total.path("newBytes").longValue();
  }

  private static List<String> events(TestRun run) throws IOException {
    return run.json().stream().map(json -> json.path("event").textValue()).toList();
  }

  @Test
  void printsNothingWhenQuiet() throws IOException {
    done("init", "-q");

    TestRun backup = backUp("-q");

    assertThat(backup.out()).isEmpty();
    assertThat(backup.err()).isEmpty();
  }

  @Test
  void storesNothingTwice() throws IOException {
    done("init");
    long stored = backUp("--json").event("summary").at("/total/newBytes").longValue();

    JsonNode second = backUp("--json").event("summary");

    assertThat(stored).isGreaterThanOrEqualTo(DATA_BYTES);
    assertThat(second.at("/total/newBytes").longValue()).isZero();
    assertThat(done("snapshots", "--json").out().lines()).hasSize(2);
  }

  @Test
  void refusesToReplaceAFileWithoutForce() throws IOException {
    done("init");
    TestRun unused = backUp();
    Path target = Files.writeString(dir.resolve("keep.raw"), "precious");

    TestRun refused = nbdvault("restore", "web1@latest", "--to", target.toString());

    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).startsWith("nbdvault: " + target).contains("--force");
    assertThat(refused.err().lines()).hasSize(1);
    assertThat(target).hasContent("precious");
    done("restore", "web1@latest", "--to", target.toString(), "--force");
    assertThat(Files.mismatch(image, target)).isEqualTo(-1);
  }

  @Test
  void namesWhatIsNotThere() throws IOException {
    done("init");
    TestRun unused = backUp();

    assertError(nbdvault("show", "db9@latest"), 2, "db9");
    assertError(nbdvault("show", "ffffffffffff"), 2, "ffffffffffff");
    assertError(nbdvault("snapshots", "db9"), 2, "db9");
    assertError(
        nbdvault("restore", "web1@latest", "--disk", "vdz", "--to", dir.resolve("x").toString()),
        2,
        "vdz");
    assertError(
        nbdvault("backup", "web1", "--nbd", "vda=nbd+unix:///?socket=" + dir.resolve("absent")),
        1,
        "absent");
    assertError(nbdvault("backup", "a@b", "--nbd", "vda=nbd://127.0.0.1:1/"), 2, "a@b");
    assertError(nbdvault("cleanup", "--qmp", dir.resolve("absent").toString()), 1, "absent");
    assertThat(done("snapshots", "--json").out().lines()).hasSize(1);
  }

  private static void assertError(TestRun run, int code, String part) {
    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("nbdvault: ").contains(part);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void namesTheProcessThatUsesTheRepository() throws IOException {
    done("init");
    TestRun first = backUp();
    assertThat(first.code()).isZero();

    try (ChunkStore holder = Repositories.open(Path.of(repository))) {
      TestRun refused = nbdvault("backup", "web1", "--nbd", "vda=nbd://127.0.0.1:1/", "--json");

      assertThat(holder.snapshots()).hasSize(1);
      assertThat(refused.code()).isEqualTo(11);
      assertThat(refused.err()).contains(Long.toString(ProcessHandle.current().pid()));
      assertThat(refused.event("error").path("code").intValue()).isEqualTo(11);
      assertThat(done("snapshots").out().lines()).hasSize(2);
    }
  }
}
