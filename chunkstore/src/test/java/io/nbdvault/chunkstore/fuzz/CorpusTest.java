package io.nbdvault.chunkstore.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Replays what fuzzing has found worth keeping, without a fuzzer. */
final class CorpusTest {
  @TestFactory
  Stream<DynamicNode> inputOfTheCorpusPasses() throws Exception {
    return Stream.of(Target.values())
        .flatMap(target -> files(target).stream().map(file -> replay(target, file)));
  }

  @Test
  void everyTargetHasACorpus() throws Exception {
    for (Target target : Target.values()) {
      assertThat(files(target)).as("%s", target).hasSizeGreaterThan(10);
    }
  }

  @Test
  void everyTargetTakesNoInputAndNonsense() {
    for (Target target : Target.values()) {
      target.run(new byte[0]);
      target.run(new byte[4096]);
    }
  }

  private static DynamicTest replay(Target target, Path file) {
    return DynamicTest.dynamicTest(
        target.directory() + "/" + file.getFileName(), () -> target.run(Files.readAllBytes(file)));
  }

  private static List<Path> files(Target target) {
    URL directory = CorpusTest.class.getResource("/fuzz/" + target.directory());
    if (directory == null) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(Path.of(directory.getPath()))) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
