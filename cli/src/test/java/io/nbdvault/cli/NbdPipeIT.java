package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code nbd copy} as a process of its own: pipes, signals, servers that die. */
@Tag("long")
@Timeout(300)
class NbdPipeIT {
  private static final long END_SECONDS_MAX = 60;

  @TempDir private Path dir;
  private File stderr = new File("");

  @BeforeEach
  void nameFiles() throws Exception {
    stderr = dir.resolve("stderr").toFile();
    Files.createDirectories(NbdvaultProcess.temporary(dir));
  }

  private ProcessBuilder copy(Object... arguments) throws Exception {
    List<String> command = NbdvaultProcess.command(dir);
    command.addAll(List.of("nbd", "copy"));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    return new ProcessBuilder(command).redirectError(stderr);
  }

  private int exitCode(Process process) throws Exception {
    try {
      assertThat(process.waitFor(END_SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  private String stderr() throws Exception {
    return Files.readString(stderr.toPath());
  }

  private List<String> files() {
    return List.of(dir.toFile().list((d, name) -> name.contains("file.raw")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sparse-random 192M seed=11 percent=30",
        "--filter=noextents sparse-random 64M seed=12 percent=80",
        "pattern 1000003",
        "memory 0"
      })
  void writesAnExportToStdoutInOrder(String arguments) throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, arguments.split(" "))) {
      Path out = dir.resolve("out");
      int code = exitCode(copy(server.uri(), "-").redirectOutput(out.toFile()).start());
      assertThat(code).as(stderr()).isZero();
      assertThat(NbdReference.sha256(out)).isEqualTo(NbdReference.sha256(server.uri()));
      assertThat(stderr()).contains(" copied to stdout, ");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3_000_001, 4 << 20})
  void readsStdin(int bytes) throws Exception {
    byte[] content = new byte[bytes];
    new Random(bytes).nextBytes(content);
    try (ExternalServer server =
        ExternalServer.nbdkit(
            dir,
            "--filter=blocksize-policy",
            "memory",
            "4M",
            "blocksize-minimum=512",
            "blocksize-preferred=4K",
            "blocksize-maximum=1M",
            "blocksize-error-policy=error")) {
      Process process = copy("-", server.uri()).start();
      process.getOutputStream().write(content);
      process.getOutputStream().close();
      assertThat(exitCode(process)).as(stderr()).isZero();
      Path out = dir.resolve("out");
      Commands.run("nbdcopy", server.uri().toString(), out.toString());
      assertThat(Files.readAllBytes(out)).isEqualTo(Arrays.copyOf(content, 4 << 20));
    }
  }

  @Test
  void saysThatStdinHasMoreThanFits() throws Exception {
    Path file = Files.write(dir.resolve("in"), new byte[(1 << 20) + 1]);
    try (ExternalServer server = ExternalServer.nbdkit(dir, "memory", "1M")) {
      assertThat(exitCode(copy("-", server.uri()).redirectInput(file.toFile()).start()))
          .isEqualTo(1);
      assertThat(stderr())
          .isEqualTo(
              "nbdvault: the source is longer than the 1048576 bytes of %s; what is in %s is"
                      .formatted(server.uri(), server.uri())
                  + " incomplete\n");
    }
  }

  @Test
  void endsWhenNobodyReadsItsOutput() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "pattern", "256M")) {
      Process process = copy(server.uri(), "-").start();
      assertThat(process.getInputStream().readNBytes(4096)).hasSize(4096);
      process.getInputStream().close();
      assertThat(exitCode(process)).isEqualTo(1);
      assertThat(stderr()).isEqualTo("nbdvault: writing to stdout: Broken pipe\n");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aSignalLeavesNoFile(String signal) throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "--filter=delay", "pattern", "64M", "delay-read=2")) {
      Process process = copy(server.uri(), dir.resolve("file.raw")).start();
      awaitPartialFile();
      Commands.run("kill", "-" + signal, Long.toString(process.pid()));
      assertThat(exitCode(process)).as(stderr()).isEqualTo(130);
      assertThat(stderr()).isEqualTo("nbdvault: interrupted\n");
      assertThat(files()).isEmpty();
    }
  }

  private void awaitPartialFile() throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS_MAX);
    while (files().isEmpty()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(20);
    }
  }

  @Test
  void aSignalEndsItWhereItWaitsForAPipe() throws Exception {
    List<Object[]> stuck = new ArrayList<>();
    try (ExternalServer source = ExternalServer.nbdkit(dir, "pattern", "64M");
        ExternalServer destination = ExternalServer.nbdkit(dir, "memory", "64M")) {
      stuck.add(new Object[] {source.uri(), "-"});
      stuck.add(new Object[] {"-", destination.uri()});
      for (Object[] arguments : stuck) {
        Process process = copy(arguments).start();
        // Nobody reads its stdout, and nobody writes to its stdin.
        Thread.sleep(3000);
        Commands.run("kill", "-INT", Long.toString(process.pid()));
        assertThat(exitCode(process)).as(stderr()).isEqualTo(130);
        assertThat(stderr()).startsWith("nbdvault: interrupted").hasLineCount(1);
      }
    }
  }

  @Test
  void aServerThatDiesIsToldAndLeavesNoFile() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "--filter=delay", "pattern", "64M", "delay-read=2")) {
      Process process = copy(server.uri(), dir.resolve("file.raw")).start();
      awaitPartialFile();
      server.kill();
      assertThat(exitCode(process)).as(stderr()).isEqualTo(1);
      assertThat(stderr()).startsWith("nbdvault: reading from " + server.uri()).hasLineCount(1);
      assertThat(files()).isEmpty();
    }
  }

  @Test
  void showsProgressToAProgram() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "--filter=delay", "pattern", "16M", "delay-read=500ms")) {
      Path out = dir.resolve("out");
      Process process =
          copy("--json", "-C", "1", "-R", "8", server.uri(), "null:")
              .redirectOutput(out.toFile())
              .start();
      assertThat(exitCode(process)).as(stderr()).isZero();
      assertThat(Files.readAllLines(out).stream().filter(line -> line.contains("\"progress\"")))
          .isNotEmpty()
          .allSatisfy(line -> assertThat(line).contains("\"expectedBytes\":16777216"));
    }
  }
}
