package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/nbdvault} with a Java that only says how it was started. */
@Timeout(60)
final class LauncherTest {
  private static final Path BIN = Path.of("..", "bin");

  @TempDir Path directory;
  private Path root;
  private Path dist;

  @BeforeEach
  void install() throws IOException {
    root = directory.resolve("nbdvault");
    dist = Files.createDirectories(root.resolve("cli/target/dist"));
    Path lib = Files.createDirectories(dist.resolve("lib"));
    Files.writeString(lib.resolve("cli-1.jar"), "ours");
    Files.writeString(lib.resolve("picocli-1.jar"), "somebody else's");
    Files.createDirectories(root.resolve("bin/lib"));
    try (Stream<Path> files = Files.walk(BIN, 2)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, root.resolve("bin").resolve(BIN.relativize(file)));
      }
    }
  }

  /** A Java, newer than any other, that prints its niceness and its arguments, a line each. */
  private Path java(String version) throws IOException {
    Path home = directory.resolve("java-" + version);
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    Path java = home.resolve("bin/java");
    Files.writeString(java, "#!/bin/sh\nnice\nprintf '%s\\n' \"$@\"\n");
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
    return home;
  }

  private record Outcome(int exitCode, List<String> lines) {
    List<String> options(String prefix) {
      return lines.stream().filter(line -> line.startsWith(prefix)).toList();
    }
  }

  private Outcome launch(Path javaHome, Map<String, String> environment) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(root.resolve("bin/nbdvault").toString(), "snapshots");
    builder.environment().put("JAVA_HOME", javaHome.toString());
    builder.environment().remove("NBDVAULT_NICE");
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return new Outcome(process.exitValue(), printed.lines().toList());
  }

  private static int ownNiceness() throws Exception {
    Process process = new ProcessBuilder("nice").start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return Integer.parseInt(printed.strip());
  }

  private static int more(int nicer) throws Exception {
    return Math.min(19, ownNiceness() + nicer);
  }

  @Test
  void standsBackBehindOtherProgramsAsFarAsItIsTold() throws Exception {
    Path java = java("999.0.1");
    launch(java, Map.of()); // Says that it makes an archive.
    assertThat(launch(java, Map.of()).lines().get(0)).isEqualTo("" + more(10));
    assertThat(launch(java, Map.of("NBDVAULT_NICE", "3")).lines().get(0)).isEqualTo("" + more(3));
    assertThat(launch(java, Map.of("NBDVAULT_NICE", "0")).lines().get(0))
        .isEqualTo("" + ownNiceness());
    for (String wrong : List.of("20", "-1", "much")) {
      Outcome outcome = launch(java, Map.of("NBDVAULT_NICE", wrong));
      assertThat(outcome.exitCode()).isEqualTo(2);
      assertThat(outcome.lines())
          .containsExactly("nbdvault: NBDVAULT_NICE: " + wrong + " (expected: 0 to 19)");
    }
  }

  @Test
  void anArchiveThatCouldNotBeMadeIsNotTriedAgain() throws Exception {
    Path java = java("999.0.1");
    assertThat(launch(java, Map.of()).lines().get(0)).contains("preparing for a fast start");
    Outcome second = launch(java, Map.of());
    assertThat(second.lines().get(0)).isEqualTo("" + more(10));
    assertThat(second.options("-XX:AOTCache")).isEmpty();
    assertThat(second.lines()).endsWith("io.nbdvault.cli.Main", "snapshots");
  }

  @Test
  void newerJavasGetAnAotCacheAndTheNewerJar() throws Exception {
    Path java = java("999.0.1");
    launch(java, Map.of());
    Path archive;
    try (Stream<Path> made = Files.list(dist.resolve("archive"))) {
      archive = made.toList().get(0);
    }
    Files.writeString(archive, "classes");
    String name = archive.getFileName().toString();
    Path newer =
        Files.createDirectories(dist.resolve("native" + name.substring(name.lastIndexOf('-'))))
            .resolve("picocli-1.jar");
    Files.writeString(newer, "made newer");
    Outcome started = launch(java, Map.of());
    assertThat(started.options("-XX:AOTCache=")).containsExactly("-XX:AOTCache=" + archive);
    assertThat(started.lines()).contains(dist.resolve("lib/cli-1.jar") + ":" + newer);
  }

  @Test
  void whatIsMovedGetsAnArchiveOfItsOwn() throws Exception {
    Path java = java("999.0.1");
    launch(java, Map.of());
    assertThat(launch(java, Map.of()).lines().get(0)).isEqualTo("" + more(10));
    root = Files.move(root, directory.resolve("moved"));
    assertThat(launch(java, Map.of()).lines().get(0)).contains("preparing for a fast start");
  }
}
