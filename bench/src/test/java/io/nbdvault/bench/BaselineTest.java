package io.nbdvault.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench/run --compare} and {@code --record} print, by awk programs in bench/lib. */
final class BaselineTest {
  private static final String HEAD = "# date\t2026-11-23\n";

  @TempDir private Path directory;

  /** What a program printed, and how it ended. */
  private record Printed(String text, int exit) {}

  @Test
  void whatTakesLongerThanTheLimitIsMarkedAndFails() throws Exception {
    Printed printed = compare("A.a\tx=1\t100\t1\tns/op\n", "A.a\tx=1\t126\t1\tns/op\n");
    assertThat(printed.text()).containsPattern("A\\.a +x=1 +100 +126 +ns/op +1\\.26 +SLOWER");
    assertThat(printed.exit()).isEqualTo(1);
  }

  @Test
  void whatIsWithinTheLimitOrFasterPasses() throws Exception {
    Printed printed =
        compare(
            "A.a\t\t100\t1\tns/op\nB.b\t\t8\t1\tus/op\n",
            "A.a\t\t125\t1\tns/op\nB.b\t\t4\t1\tus/op\n");
    assertThat(printed.text())
        .containsPattern("A\\.a .* 1\\.25\n")
        .containsPattern("B\\.b .* 0\\.50 +faster\n");
    assertThat(printed.exit()).isZero();
  }

  @Test
  void whatIsMissingFailsAndWhatIsNewDoesNot() throws Exception {
    Printed isNew = compare("A.a\t\t1\t1\tns/op\n", "A.a\t\t1\t1\tns/op\nA.a\tx=2\t1\t1\tns/op\n");
    assertThat(isNew.text()).containsPattern("A\\.a +x=2 .* new\n");
    assertThat(isNew.exit()).isZero();
    Printed missing = compare("A.a\t\t1\t1\tns/op\nB.b\t\t1\t1\tns/op\n", "A.a\t\t1\t1\tns/op\n");
    assertThat(missing.text()).containsPattern("B\\.b .* MISSING\n");
    assertThat(missing.exit()).isEqualTo(1);
  }

  @Test
  void otherUnitsAreNotCompared() throws Exception {
    Printed printed = compare("A.a\t\t1000\t1\tns/op\n", "A.a\t\t1\t1\tus/op\n");
    assertThat(printed.text()).contains("UNIT WAS ns/op");
    assertThat(printed.exit()).isEqualTo(1);
  }

  @Test
  void theTableForTheDocumentLeavesOutErrorsThatAreNotKnown() throws Exception {
    Path table = write("now", HEAD + "A.a\tx=1\t12.345\t0.5\tus/op\nB.b\t\t7\tNaN\tns/op\n");
    assertThat(awk("baseline-table", table).text())
        .contains("| date | 2026-11-23 |\n")
        .contains("| A.a | x=1 | 12.3 µs | 0.50 |\n")
        .contains("| B.b |  | 7.00 ns |  |\n");
  }

  private Printed compare(String baseline, String now) throws IOException, InterruptedException {
    return awk("baseline-compare", write("baseline", HEAD + baseline), write("now", HEAD + now));
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(directory.resolve(name), content);
  }

  private Printed awk(String program, Path... tables) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("awk", "-f", "lib/" + program + ".awk"));
    for (Path table : tables) {
      command.add(table.toString());
    }
    Path output = directory.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return new Printed(Files.readString(output, StandardCharsets.UTF_8), process.exitValue());
  }
}
