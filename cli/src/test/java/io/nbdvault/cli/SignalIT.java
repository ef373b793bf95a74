package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.engine.testkit.LauncherOptions;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program in a process of its own: what signals and a closed pipe do to it. */
@Timeout(120)
class SignalIT {
  private static final long END_SECONDS_MAX = 60;

  @TempDir private Path dir;
  private Path repository = Path.of("");
  private Path stderr = Path.of("");

  @BeforeEach
  void createRepository() {
    repository = dir.resolve("repository");
    stderr = dir.resolve("stderr");
    assertThat(TestRun.of("-r", repository.toString(), "init").code()).isZero();
  }

  /** Its stdout is a pipe to this process. */
  private Process start(String... args) throws IOException {
    List<String> command = new ArrayList<>();
    // A test run in the background of a script would hand on that SIGINT is ignored.
    command.addAll(List.of("env", "--default-signal"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(LauncherOptions.jvm());
    // Quicker to start, which is most of what such a process does.
    command.add("-XX:TieredStopAtLevel=1");
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of("-r", repository.toString()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectError(stderr.toFile()).start();
  }

  private static int exitCode(Process process) throws InterruptedException {
    assertThat(process.waitFor(END_SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  /** A disk that takes minutes to read. */
  private ExternalServer slowDisk() throws IOException {
    return ExternalServer.nbdkit(
        dir, "--filter=delay", "pattern", "size=64M", "delay-read=2", "delay-open=0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void endsAJobAtASignalWithoutASnapshot(String signal) throws Exception {
    try (ExternalServer server = slowDisk()) {
      Process process = start("--json", "backup", "web1", "--nbd", "vda=" + server.uri());
      List<String> lines = new ArrayList<>();
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          lines.add(line);
          if (line.contains("\"disk-started\"")) {
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                .start()
                .waitFor();
          }
        }
        assertThat(exitCode(process)).as(Files.readString(stderr)).isEqualTo(130);
      } finally {
        process.destroyForcibly();
      }
      assertThat(Files.readString(stderr)).isEqualTo("nbdvault: interrupted\n");
      assertThat(lines.get(lines.size() - 1)).contains("\"error\"", "\"code\":130");
    }
    assertThat(TestRun.of("-r", repository.toString(), "snapshots", "--json").out()).isEmpty();
  }

  @Test
  void endsACollectionAtASignalAndTheNextOneFinishes() throws Exception {
    byte[] data = new byte[24 << 20];
    new Random(7).nextBytes(data);
    Path image = Files.write(dir.resolve("vda.raw"), data);
    String[] backup = {"backup", "web1", "--image", "vda=" + image + ",format=raw"};
    assertThat(run(backup).code()).isZero();
    // Half of each file dies, so that what is left must be rewritten, slowly.
    for (int at = 0; at < data.length; at += 128 << 10) {
      data[at] ^= 1;
    }
    Files.write(image, data);
    String first = run("snapshots", "--json").json().get(0).path("id").textValue();
    assertThat(run(backup).code()).isZero();
    assertThat(run("forget", first).code()).isZero();

    Process process = start("--json", "gc", "--rate-limit", "100K");
    long signalled = 0;
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (signalled == 0 && line.contains("\"reclaim\"")) {
          signalled = System.nanoTime();
          new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        }
      }
      assertThat(exitCode(process)).as(Files.readString(stderr)).isEqualTo(130);
    } finally {
      process.destroyForcibly();
    }
    assertThat(signalled).as("the collection was stopped while it reclaimed").isPositive();
    assertThat(Duration.ofNanos(System.nanoTime() - signalled)).isLessThan(Duration.ofSeconds(20));
    assertThat(Files.readString(stderr)).isEqualTo("nbdvault: interrupted\n");

    JsonNode next = run("gc", "--json").event("summary");
    assertThat(next.path("resumed").booleanValue()).isTrue();
    assertThat(run("verify").code()).isZero();
    Path restored = dir.resolve("restored.raw");
    assertThat(run("restore", "web1@latest", "--to", restored.toString()).code()).isZero();
    assertThat(Files.mismatch(image, restored)).isEqualTo(-1);
  }

  private TestRun run(String... args) {
    List<String> all = new ArrayList<>(List.of("-r", repository.toString()));
    all.addAll(List.of(args));
    return TestRun.of(all.toArray(new String[0]));
  }

  @Test
  void goesOnWhereNobodyReadsItsOutput() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "--filter=delay", "pattern", "size=1M", "delay-read=100ms")) {
      Process process = start("--json", "backup", "web1", "--nbd", "vda=" + server.uri());
      process.getInputStream().close();

      assertThat(exitCode(process)).isZero();
    }
    assertThat(Files.readString(stderr)).isEmpty();
    assertThat(TestRun.of("-r", repository.toString(), "snapshots", "--json").out().lines())
        .hasSize(1);
  }
}
