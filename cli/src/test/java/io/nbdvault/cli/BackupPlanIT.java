package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several VMs in one run, on disks that nbdkit serves. */
class BackupPlanIT {
  private static final int DISK_BYTES = 8 << 20;
  private static final int DATA_BYTES = 3 << 20;
  private static final long SEED = Long.getLong("nbdvault.seed", System.nanoTime());

  @TempDir private Path dir;
  private final List<ExternalServer> servers = new ArrayList<>();
  private final StringBuilder vms = new StringBuilder();
  private String repository = "";

  @BeforeEach
  void createRepository() {
    System.err.println("nbdvault.seed=" + SEED);
    repository = dir.resolve("repository").toString();
    assertThat(run("init").code()).isZero();
  }

  @AfterEach
  void stopServers() throws IOException {
    for (ExternalServer server : servers) {
      server.close();
    }
  }

  private TestRun run(String... args) {
    return TestRun.with(Map.of("NBDVAULT_REPO", repository), args);
  }

  private Path image(String name, long seed) throws IOException {
    byte[] data = new byte[DATA_BYTES];
    new Random(seed).nextBytes(data);
    Path image = dir.resolve(name + ".img");
    try (FileChannel file =
        FileChannel.open(image, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(data), 1 << 20);
      file.write(ByteBuffer.allocate(1), DISK_BYTES - 1);
    }
    return image;
  }

  /** Adds a VM with one disk to the plan. */
  private void add(String vm, Path image, String... nbdkit) throws IOException {
    List<String> args = new ArrayList<>(List.of("-r"));
    args.addAll(List.of(nbdkit));
    args.addAll(List.of("file", image.toString()));
    if (nbdkit.length > 0) {
      args.add("delay-read=200ms");
    }
    ExternalServer server = ExternalServer.nbdkit(dir, args.toArray(new String[0]));
    servers.add(server);
    add(vm, server.uri().toString());
  }

  private void add(String vm, String uri) {
    vms.append("  - vm: " + vm + "\n    nbd: \"vda=" + uri + "\"\n    tag: {plan: a}\n");
  }

  private String plan(int parallel) throws IOException {
    return Files.writeString(dir.resolve("plan.yaml"), "parallel: " + parallel + "\nvms:\n" + vms)
        .toString();
  }

  /** A repository with a forgotten snapshot of a, one of b, and a plan for both and more. */
  private String planBeside(String more) throws IOException {
    Path a = image("a", SEED);
    add("a", a, "--filter=delay");
    add("b", image("b", SEED + 1), "--filter=delay");
    String backups = plan(2);
    assertThat(run("backup", "--plan", backups).code()).isZero();
    Files.delete(a);
    image("a", SEED + 2);
    assertThat(run("forget", run("snapshots", "a", "--json").json().get(0).path("id").textValue()))
        .satisfies(forget -> assertThat(forget.code()).as(forget.err()).isZero());
    return Files.writeString(dir.resolve("beside.yaml"), Files.readString(Path.of(backups)) + more)
        .toString();
  }

  @Test
  void aCollectionAndARestoreRunBesideTheBackups() throws IOException {
    Path restored = dir.resolve("restored.raw");
    Path wanted = dir.resolve("wanted.img");
    String plan =
        planBeside("gc: true\nrestores:\n  - {snapshot: b@latest, to: " + restored + "}\n");
    Files.copy(dir.resolve("b.img"), wanted);

    TestRun run = run("backup", "--plan", plan, "--json");

    assertThat(run.code()).as(run.err()).isZero();
    List<String> events = labelled(run);
    // Each of them begins before any of the others has ended.
    assertThat(events).containsSubsequence("started gc", "committed a");
    assertThat(events).containsSubsequence("started a", "summary gc");
    assertThat(events).containsSubsequence("started restore", "committed b");
    assertThat(events).containsSubsequence("started b", "summary restore");
    assertThat(events).endsWith("summary plan");
    JsonNode gc =
        run.json().stream()
            .filter(json -> json.path("job").textValue() != null)
            .filter(json -> json.path("job").textValue().equals("gc") && json.has("freedBytes"))
            .findFirst()
            .orElseThrow();
    assertThat(gc.path("snapshotsReclaimed").intValue()).isEqualTo(1);
    assertThat(gc.path("freedBytes").longValue()).isGreaterThan(DATA_BYTES * 9L / 10);
    assertThat(Files.mismatch(wanted, restored)).isEqualTo(-1);
    for (String vm : List.of("a", "b")) {
      Path now = dir.resolve(vm + ".now");
      assertThat(run("restore", vm + "@latest", "--to", now.toString()).code()).isZero();
      assertThat(Files.mismatch(dir.resolve(vm + ".img"), now)).isEqualTo(-1);
    }
    assertThat(run("verify").code()).isZero();
  }

  @Test
  void whatFailsBesideTheBackupsDoesNotHideThem() throws IOException {
    String plan = planBeside("gc: true\nrestores:\n  - {snapshot: none@latest, to: x.raw}\n");

    TestRun run = run("backup", "--plan", plan);

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.err().lines())
        .anyMatch(line -> line.startsWith("nbdvault: restore to x.raw: "))
        .last()
        .isEqualTo("nbdvault: all VMs were backed up, but this failed: restore to x.raw");
    assertThat(run.out()).contains("of a\n", "of b\n", "gc: reclaimed 1 forgotten snapshot;");
    assertThat(run("snapshots", "a").out().lines()).hasSize(2);
  }

  /** Each event with what it is of. */
  private static List<String> labelled(TestRun run) throws IOException {
    return run.json().stream()
        .map(
            json -> {
              String event = json.path("event").textValue();
              String job = json.path("job").asText();
              boolean backup = json.has("vm") && !job.equals("restore");
              String label = json.has("restoreTo") ? "restore" : job;
              return event + " " + (backup ? json.path("vm").textValue() : label);
            })
        .toList();
  }

  private static List<String> names(TestRun run) throws IOException {
    return run.json().stream()
        .filter(json -> json.has("vm"))
        .map(json -> json.path("event").textValue() + " " + json.path("vm").textValue())
        .toList();
  }

  @Test
  void backsUpEachVmAndSaysSo() throws IOException {
    add("a", image("a", SEED));
    add("b", image("b", SEED + 1));
    add("c", image("c", SEED + 2));

    TestRun run = run("backup", "--plan", plan(3));

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err().lines())
        .hasSize(3)
        .allMatch(line -> line.matches("[abc]: disk vda: read in full: .*"));
    assertThat(run.out()).contains("of a\n", "of b\n", "of c\n");
    assertThat(run.out().lines()).last().asString().startsWith("3 VMs backed up, 0 failed, in ");
    assertThat(run("snapshots").out().lines().skip(1)).allMatch(line -> line.contains("plan=a"));
    for (String vm : List.of("a", "b", "c")) {
      Path restored = dir.resolve(vm + ".restored");
      assertThat(run("restore", vm + "@latest", "--to", restored.toString()).code()).isZero();
      assertThat(Files.mismatch(dir.resolve(vm + ".img"), restored)).isEqualTo(-1);
    }
    assertThat(run("backup", "--plan", plan(3), "-q").out()).isEmpty();
  }

  @Test
  void vmsRunSideBySideAndShareWhatTheyHave() throws IOException {
    Path image = image("same", SEED);
    add("a", image, "--filter=delay");
    add("b", image, "--filter=delay");

    TestRun run = run("backup", "--plan", plan(2), "--json");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    List<String> names = names(run);
    assertThat(names).containsSubsequence("started a", "committed b");
    assertThat(names).containsSubsequence("started b", "committed a");
    assertThat(names).contains("disk-started a", "disk-started b");
    long stored =
        run.json().stream().mapToLong(json -> json.at("/total/newBytes").longValue()).sum();
    assertThat(stored).isEqualTo(DATA_BYTES);
    JsonNode last = run.json().get(run.json().size() - 1);
    assertThat(last.path("job").textValue()).isEqualTo("plan");
    assertThat(last.path("backedUp").intValue()).isEqualTo(2);
    assertThat(last.path("failed").intValue()).isZero();
  }

  @Test
  void oneAtATimeIsOneAtATime() throws IOException {
    add("a", image("a", SEED));
    add("b", image("b", SEED + 1));

    assertThat(names(run("backup", "--plan", plan(1), "--json")))
        .containsSubsequence("started a", "committed a", "started b", "committed b");
  }

  @Test
  void oneThatFailsDoesNotTouchTheOthers() throws IOException {
    add("a", image("a", SEED));
    add("absent", "nbd+unix:///?socket=" + dir.resolve("absent"));
    add("b", image("b", SEED + 1));
    String plan = plan(2);

    TestRun run = run("backup", "--plan", plan);

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.err().lines())
        .anyMatch(line -> line.startsWith("nbdvault: absent: "))
        .last()
        .isEqualTo("nbdvault: 1 of 3 VMs failed: absent");
    assertThat(run("snapshots").out().lines()).hasSize(3);
    TestRun json = run("backup", "--plan", plan, "--json");
    assertThat(json.event("failed").path("vm").textValue()).isEqualTo("absent");
    assertThat(json.event("failed").path("code").intValue()).isEqualTo(1);
    assertThat(json.event("error").path("code").intValue()).isEqualTo(3);
  }

  @Test
  void whereNoneIsBackedUpTheRunHasFailed() throws IOException {
    add("x", "nbd+unix:///?socket=" + dir.resolve("absent"));
    add("y", "nbd+unix:///?socket=" + dir.resolve("absent"));

    TestRun run = run("backup", "--plan", plan(2));

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err().lines())
        .hasSize(3)
        .last()
        .isEqualTo("nbdvault: no VM was backed up: x, y");
  }

  @Test
  void aSignalEndsThemAll() throws Exception {
    for (String vm : List.of("a", "b", "c")) {
      add(vm, image(vm, SEED), "--filter=delay");
    }
    String plan = plan(2);
    try (NbdvaultProcess process =
        NbdvaultProcess.start(dir, "-r", repository, "--json", "backup", "--plan", plan)) {
      process.awaitEvent("disk-started", Duration.ofSeconds(60));
      process.signal("INT");
      NbdvaultProcess.Result result = process.awaitExit(130, Duration.ofSeconds(60));

      assertThat(NbdvaultProcess.event(result, "failed").path("code").intValue()).isEqualTo(130);
      assertThat(NbdvaultProcess.event(result, "error").path("code").intValue()).isEqualTo(130);
    }
    assertThat(run("snapshots").err()).isEqualTo("there are no snapshots yet\n");
  }
}
