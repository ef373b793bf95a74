package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Forgetting, bringing back and protecting, on snapshots of empty disks. */
class RetentionCommandsTest {
  @TempDir private Path dir;
  private Path repository = Path.of("");

  /** Of the VM web, one a day, the first first. */
  private final List<SnapshotRecord> web = new ArrayList<>();

  @BeforeEach
  void commit() throws StoreException {
    repository = dir.resolve("repository");
    Repositories.create(repository, RepositoryOptions.defaults());
    try (ChunkStore store = Repositories.open(repository)) {
      for (int day = 10; day < 14; day++) {
        Instant time = Instant.parse("2026-11-" + day + "T03:00:00Z");
        web.add(StoredSnapshots.commitAt(store, "web", time));
      }
      assertThat(StoredSnapshots.commitAt(store, "db", Instant.EPOCH).vm()).isEqualTo("db");
    }
  }

  private TestRun run(int code, String... args) {
    TestRun run = TestRun.with(Map.of("NBDVAULT_REPO", repository.toString()), args);
    assertThat(run.code()).as(run.out() + run.err()).isEqualTo(code);
    return run;
  }

  private String id(int index) {
    return web.get(index).id().shortForm();
  }

  /** The ids that a list of snapshots has. */
  private List<String> listed(String... more) throws IOException {
    List<String> args = new ArrayList<>(List.of("snapshots", "--json"));
    args.addAll(List.of(more));
    return run(0, args.toArray(new String[0])).json().stream()
        .map(json -> json.path("id").textValue().substring(0, 8))
        .toList();
  }

  @Test
  void aPolicyShowsWhatItKeepsAndWhy() throws IOException {
    TestRun dry = run(0, "forget", "--vm", "web", "--keep-last", "2", "--dry-run");

    assertThat(dry.out().lines())
        .containsExactly(
            "ID       VM  TIME +0000          DO     WHY",
            id(0) + " web 2026-11-10 03:00:00 forget",
            id(1) + " web 2026-11-11 03:00:00 forget",
            id(2) + " web 2026-11-12 03:00:00 keep   last 2 of 2",
            id(3) + " web 2026-11-13 03:00:00 keep   newest of the VM",
            "                                        last 1 of 2",
            "would forget 2 of 4 snapshots");
    assertThat(listed("web")).containsExactly(id(0), id(1), id(2), id(3));

    TestRun done = run(0, "forget", "--vm", "web", "--keep-last", "2");
    assertThat(done.out().lines()).last().isEqualTo("forgot 2 of 4 snapshots");
    assertThat(listed("web")).containsExactly(id(2), id(3));
    assertThat(listed("db")).hasSize(1);
    assertThat(run(0, "forget", "--vm", "web", "--keep-last", "2", "-q").out()).isEmpty();
  }

  @Test
  void aPolicyTellsProgramsWhatItKeepsAndWhy() throws IOException {
    List<JsonNode> lines = run(0, "forget", "--all-vms", "--keep-daily", "1", "--json").json();

    assertThat(lines).hasSize(7);
    assertThat(lines.get(0).path("vm").textValue()).isEqualTo("db");
    assertThat(lines.get(0).path("kept").booleanValue()).isTrue();
    JsonNode first = lines.get(1);
    assertThat(first.path("event").textValue()).isEqualTo("retention");
    assertThat(first.path("id").textValue()).isEqualTo(web.get(0).id().hex());
    assertThat(first.path("kept").booleanValue()).isFalse();
    assertThat(lines.get(4).at("/reasons/1/rule").textValue()).isEqualTo("daily");
    assertThat(lines.get(4).at("/reasons/1/text").textValue())
        .isEqualTo("daily 1 of 1: 2026-11-13");
    assertThat(lines.get(5).path("event").textValue()).isEqualTo("warning");
    JsonNode summary = lines.get(6);
    assertThat(summary.path("job").textValue()).isEqualTo("forget");
    assertThat(summary.path("forgotten").intValue()).isEqualTo(3);
    assertThat(summary.path("kept").intValue()).isEqualTo(2);
    assertThat(summary.path("dryRun").booleanValue()).isFalse();
  }

  @Test
  void whatIsForgottenIsListedApartAndComesBack() throws IOException {
    run(0, "forget", id(0), "web@2026-11-11");

    assertThat(listed("web")).containsExactly(id(2), id(3));
    assertThat(listed("--forgotten")).containsExactly(id(0), id(1));
    assertThat(run(0, "snapshots", "--forgotten").out().lines().skip(1))
        .allMatch(line -> line.contains(" F web "));
    assertThat(run(2, "show", id(0)).err()).contains("no snapshot's id begins with");
    assertThat(run(2, "forget", id(0)).err()).contains("no snapshot's id begins with");

    TestRun back = run(0, "undelete", id(0));
    assertThat(back.out())
        .isEqualTo("back: snapshot " + id(0) + " of web, 2026-11-10 03:00:00 +0000\n");
    JsonNode summary = run(0, "undelete", id(1), "--json").event("summary");
    assertThat(summary.at("/snapshots/0").textValue()).isEqualTo(web.get(1).id().hex());
    assertThat(listed("web")).containsExactly(id(0), id(1), id(2), id(3));
    assertThat(run(2, "undelete", id(0)).err())
        .startsWith("nbdvault: among the forgotten snapshots: no snapshot's id begins with");
    assertThat(run(0, "snapshots", "--forgotten").err())
        .isEqualTo("there are no forgotten snapshots\n");
  }

  @Test
  void whatIsProtectedIsNotForgotten() throws IOException {
    assertThat(run(0, "protect", id(0), id(1)).out().lines()).hasSize(2);

    assertThat(run(0, "snapshots", "web").out().lines().toList().get(1)).contains(" P web ");
    assertThat(run(0, "show", id(0)).out()).contains("protected      yes");
    assertThat(run(2, "forget", id(3), id(0)).err())
        .isEqualTo("nbdvault: snapshot " + id(0) + " is protected: unprotect it first\n");
    run(0, "forget", "--vm", "web", "--keep-last", "1");
    assertThat(listed("web")).containsExactly(id(0), id(1), id(3));

    run(0, "unprotect", id(0));
    run(0, "forget", id(0));
    assertThat(listed("web")).containsExactly(id(1), id(3));
  }

  @Test
  void namesTheVmThatHasNoSnapshots() {
    assertThat(run(2, "forget", "--vm", "wbe", "--keep-last", "1").err())
        .isEqualTo("nbdvault: there is no snapshot of VM 'wbe'\n");
  }

  @Test
  void warnsWhereMostOfTheHistoryWouldBeLost() throws IOException, StoreException {
    try (ChunkStore store = Repositories.open(repository)) {
      for (int minute = 10; minute < 13; minute++) {
        Instant time = Instant.parse("2026-11-13T04:" + minute + ":00Z");
        web.add(StoredSnapshots.commitAt(store, "web", time));
      }
    }
    String warning = "VM web: its snapshots cover 3 days, those that are kept only 2 minutes";
    assertThat(run(0, "forget", "--vm", "web", "--keep-last", "3", "--dry-run").err())
        .startsWith("nbdvault: warning: " + warning);
    JsonNode json = run(0, "forget", "--vm", "web", "--keep-last", "3", "--json").event("warning");
    assertThat(json.path("message").textValue()).startsWith(warning);
  }

  @Test
  void collectsNothingWhereOnlyOneOfAHistoryIsLeft() throws IOException {
    String[] forget = {"forget", "--vm", "web", "--keep-last", "1"};
    String warning = "nbdvault: warning: VM web: its snapshots cover 3 days, and only one is kept";
    assertThat(run(0, with(forget, "--dry-run")).err()).startsWith(warning);

    TestRun run = run(ExitCode.PARTIAL, with(forget, "--gc"));

    assertThat(run.err()).startsWith(warning).contains("no space was reclaimed");
    run(0, "undelete", id(0), id(1), id(2));
    assertThat(listed("web")).containsExactly(id(0), id(1), id(2), id(3));
  }

  @Test
  void warnsOfATagThatNoSnapshotHas() throws IOException {
    String[] forget = {"forget", "--vm", "web", "--keep-last", "3", "--keep-tag", "resaon"};
    String warning = "no snapshot has the tag resaon of --keep-tag";
    assertThat(run(0, with(forget, "--dry-run")).err())
        .isEqualTo("nbdvault: warning: " + warning + "\n");
    JsonNode json = run(0, with(forget, "--json")).event("warning");
    assertThat(json.path("message").textValue()).isEqualTo(warning);
  }

  private static String[] with(String[] args, String more) {
    List<String> all = new ArrayList<>(List.of(args));
    all.add(more);
    return all.toArray(new String[0]);
  }

  @Test
  void waitsForARepositoryThatIsInUse() throws Exception {
    ChunkStore holder = Repositories.open(repository);
    try {
      TestRun refused = run(11, "forget", id(0), "--lock-wait", "1s");
      assertThat(refused.err().lines())
          .hasSize(2)
          .allMatch(line -> line.contains("in use by process " + ProcessHandle.current().pid()));
      JsonNode waiting = run(11, "protect", id(0), "--lock-wait=1s", "--json").event("waiting");
      assertThat(waiting.path("seconds").intValue()).isEqualTo(1);
      assertThat(waiting.path("pid").longValue()).isEqualTo(ProcessHandle.current().pid());
      Thread closer = new Thread(() -> closeAfterAWhile(holder));
      closer.start();
      run(0, "forget", id(0), "--lock-wait", "1m");
      closer.join();
    } finally {
      holder.close();
    }
    assertThat(listed("web")).containsExactly(id(1), id(2), id(3));
    assertThat(Set.copyOf(listed("--forgotten"))).containsExactly(id(0));
  }

  private static void closeAfterAWhile(ChunkStore holder) {
    try {
      Thread.sleep(700);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    holder.close();
  }
}
