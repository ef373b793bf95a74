package io.nbdvault.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark, once. Needs nbdkit. */
final class BenchmarksIT {
  private static final Path SOURCES = Path.of("src/main/java/io/nbdvault/bench");

  @Test
  void everyBenchmarkRunsOnceWithEachOfItsParameters() throws RunnerException, IOException {
    // Whoever measures beside the tests has the lock.
    System.setProperty("jmh.ignoreLock", "true");
    Options once =
        new OptionsBuilder()
            .forks(0)
            .mode(Mode.SingleShotTime)
            .warmupIterations(0)
            .measurementIterations(1)
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .param("chunks", "1000")
            .build();
    Collection<RunResult> results = new Runner(once).run();
    assertThat(results)
        .allSatisfy(run -> assertThat(run.getPrimaryResult().getScore()).isPositive());
    assertThat(classes(results)).isEqualTo(classesInSources());
  }

  private static Set<String> classes(Collection<RunResult> results) {
    return results.stream()
        .map(run -> run.getParams().getBenchmark().split("\\."))
        .map(names -> names[names.length - 2])
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> classesInSources() throws IOException {
    try (Stream<Path> files = Files.list(SOURCES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith("Benchmark.java"))
          .map(name -> name.substring(0, name.length() - ".java".length()))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
