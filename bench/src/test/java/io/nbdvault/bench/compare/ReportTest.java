package io.nbdvault.bench.compare;

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

/** The arithmetic and the tables of {@code bench/compare}, which are awk programs in bench/lib. */
final class ReportTest {
  @TempDir private Path directory;

  private final List<String> results = new ArrayList<>();

  @Test
  void medianOfAnOddNumberIsTheMiddleOneByValue() throws Exception {
    assertThat(evaluate("a[1] = 10; a[2] = 9; a[3] = 100; print median(a, 3)")).isEqualTo("10");
  }

  @Test
  void medianOfAnEvenNumberIsTheMeanOfTheMiddleTwo() throws Exception {
    assertThat(evaluate("a[1] = 4; a[2] = 1; a[3] = 2; a[4] = 100; print median(a, 4)"))
        .isEqualTo("3");
  }

  @Test
  void medianOfNothingIsNothing() throws Exception {
    assertThat(evaluate("print \"[\" median(a, 0) \"]\"")).isEqualTo("[]");
  }

  @Test
  void percentileIsTheNearestRank() throws Exception {
    String fill = "for (i = 1; i <= 150; i++) a[i] = i * 2; ";
    assertThat(evaluate(fill + "print percentile(a, 150, 99), percentile(a, 150, 50)"))
        .isEqualTo("298 150");
    assertThat(evaluate("a[1] = 7; print percentile(a, 1, 50), percentile(a, 1, 99)"))
        .isEqualTo("7 7");
  }

  @Test
  void ratioIsTheMedianOfTheRatiosWithinEachRound() throws Exception {
    // Ratios 0.5, 0.2 and 0.25; the ratio of the medians would be 0.4.
    took("first", "nbdvault", 2, 1, 10);
    took("first", "borg", 4, 5, 40);
    took("verify", "nbdvault", 1, 3, 2);
    took("verify", "borg", 2, 30, 20);
    assertThat(table("compare-targets"))
        .contains("first full backup, LZ4, against borg with fixed chunks | 0.5 × | 0.25 × | yes")
        .contains("verify everything, against borg with fixed chunks | 0.35 × | 0.10 × | yes");
  }

  @Test
  void aTargetIsReachedAtItsLimitAndMissedAboveIt() throws Exception {
    took("first", "nbdvault", 2);
    took("first", "borg", 4);
    took("first", "restic", 7);
    assertThat(table("compare-targets"))
        .contains("against borg with fixed chunks | 0.5 × | 0.50 × | yes |")
        .contains("the same, against restic | 0.25 × | 0.29 × | **no** |");
  }

  @Test
  void aTargetThatWasNotMeasuredIsADash() throws Exception {
    took("first", "nbdvault", 2);
    assertThat(table("compare-targets"))
        .contains("against borg with fixed chunks | 0.5 × | – | – |")
        .contains("| `nbdvault snapshots` | 0.5 s | – | – |");
  }

  @Test
  void aJobThatFailedInOneRoundIsNoSuccess() throws Exception {
    took("first", "nbdvault", 2, 2);
    took("first", "borg", 4, 4);
    add(2, "first", "nbdvault", "status", "failed");
    assertThat(table("compare-targets"))
        .contains("against borg with fixed chunks | 0.5 × | first of nbdvault: failed | no |");
    assertThat(table("compare-table")).contains("| nbdvault | **failed** |");
  }

  @Test
  void aRestoreThatDiffersIsNoSuccess() throws Exception {
    took("restore-raw", "nbdvault", 2);
    took("restore-raw", "qemu-img", 4);
    add(1, "restore-raw", "nbdvault", "status", "wrong");
    assertThat(table("compare-targets"))
        .contains("from qcow2 | 1.2 × | restore-raw of nbdvault: wrong | no |");
  }

  @Test
  void thePeakIsTheGreatestOfAllJobsAndRounds() throws Exception {
    took("first", "nbdvault", 2, 2);
    took("verify", "nbdvault", 2, 2);
    add(1, "first", "nbdvault", "peak", "100000");
    add(2, "first", "nbdvault", "peak", "90000");
    add(1, "verify", "nbdvault", "peak", "99000");
    add(2, "verify", "nbdvault", "peak", "600000");
    assertThat(table("compare-targets"))
        .contains("peak resident memory, of any job | 512 MB | 614 MB | **no** |");
  }

  @Test
  void thePeakIsOfAllRunsOfNbdvaultAndOfNoOthers() throws Exception {
    took("first", "nbdvault", 2);
    took("first", "nbdvault-zstd", 2);
    took("first", "borg", 2);
    took("dirty", "64MiB", 2);
    add(1, "first", "nbdvault", "peak", "100000");
    add(1, "first", "nbdvault-zstd", "peak", "500000");
    add(1, "first", "borg", "peak", "900000");
    add(1, "dirty", "64MiB", "peak", "400000");
    assertThat(table("compare-targets")).contains("of any job | 512 MB | 512 MB | yes |");
    add(1, "dirty", "64MiB", "peak", "600000");
    assertThat(table("compare-targets")).contains("of any job | 512 MB | 614 MB | **no** |");
  }

  @Test
  void whatFailedHasNotStoredNothing() throws Exception {
    add(1, "five", "nbdvault", "stored", "2000000");
    add(1, "five", "nbdvault", "status", "ok");
    add(1, "five", "borg", "stored", "0");
    add(1, "five", "borg", "status", "failed");
    assertThat(table("compare-table"))
        .contains("| nbdvault | 2 | 1.00 | – | – |")
        .contains("| borg | **failed** |");
  }

  @Test
  void growthIsOfTheLargestDiskAgainstTheSmallest() throws Exception {
    took("growth", "16G", 2, 4);
    took("growth", "4T", 2.1, 4.2);
    add(1, "growth", "4T", "nodes", "1500");
    add(2, "growth", "4T", "nodes", "2500");
    assertThat(table("compare-targets"))
        .contains("of 4 TiB, against one of 16 GiB | 1.1 × | 1.05 × | yes |");
    assertThat(table("compare-table")).contains("| 4T | 3.15 | 2.10–4.20 | – | – | – | 2.0 |");
  }

  @Test
  void theTableHasMediansAndRatiosToNbdvault() throws Exception {
    took("inc1", "nbdvault", 1, 3, 2);
    took("inc1", "borg", 10, 15, 40);
    assertThat(table("compare-table"))
        .contains("### 1% of the disk written")
        .contains("| nbdvault | 2.00 | 1.00–3.00 | 1.00 |")
        .contains("| borg | 15.00 | 10.00–40.00 | 10.00 |");
  }

  @Test
  void thePlotHasABarForEachProgramToTheScaleOfTheSlowest() throws Exception {
    took("first", "nbdvault", 5);
    took("first", "borg", 20);
    assertThat(table("compare-plot", "-v", "kind=times", "-f", "lib/svg.awk"))
        .startsWith("<svg ")
        .contains("width=\"55.0\"")
        .contains("width=\"220.0\"")
        .endsWith("</svg>");
  }

  /** Notes times in seconds of a job, one of each round from the first on, as successes. */
  private void took(String job, String program, double... seconds) {
    for (int i = 0; i < seconds.length; i++) {
      add(i + 1, job, program, "wall", Double.toString(seconds[i]));
      add(i + 1, job, program, "status", "ok");
    }
  }

  private void add(int round, String job, String program, String figure, String value) {
    results.add(String.join("\t", Integer.toString(round), job, program, figure, value));
  }

  private String evaluate(String statements) throws IOException, InterruptedException {
    return run(List.of("awk", "-f", "lib/statistics.awk", "-f", program(statements)));
  }

  private String program(String statements) throws IOException {
    Path file = directory.resolve("program.awk");
    Files.writeString(file, "BEGIN { " + statements + " }");
    return file.toString();
  }

  private String table(String name, String... options) throws IOException, InterruptedException {
    Path file = directory.resolve("results.tsv");
    Files.write(file, results);
    List<String> command =
        new ArrayList<>(
            List.of("awk", "-f", "lib/statistics.awk", "-f", "lib/compare-figures.awk"));
    command.addAll(List.of(options));
    command.addAll(List.of("-f", "lib/" + name + ".awk", file.toString()));
    return run(command);
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    return said.strip();
  }
}
