package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The power is cut before a change on disk. The repository lies on a file system that makes nothing
 * durable by itself for ten minutes, so its device holds what was synced and little else; a copy of
 * the device is mounted, which is when its journal is replayed.
 */
@Tag("long")
class PowerCutIT {
  private static final int TRIES = 2;
  private static final long FILE_SYSTEM_BYTES = 64 << 20;
  private static final String LAZY = "loop,commit=600";

  @TempDir private Path temporary;

  @ParameterizedTest
  @EnumSource
  @Timeout(14_400)
  void keepsAndReclaimsWhatItMustWheneverThePowerIsCut(Scenario scenario) throws Exception {
    CrashRun.tryChanges("power cut", scenario, TRIES, change -> cutBefore(change, scenario));
  }

  /** Proves that the test could fail: a repository whose files were only written is lost. */
  @Test
  @Timeout(120)
  void losesWhatWasNotSynced() throws Exception {
    Path synced = temporary.resolve("repository");
    CrashExpectation expectation = CrashRun.run(temporary, synced, 0, Scenario.PLAIN);
    Path copy;
    try (LoopFileSystem disk =
        LoopFileSystem.make(temporary.resolve("disk"), FILE_SYSTEM_BYTES, LAZY)) {
      copyFiles(synced, disk.root().resolve("repository"));
      copy = disk.copyDevice("cut");
    }
    try (LoopFileSystem left = LoopFileSystem.mount(copy, "loop")) {
      Path dir = left.root().resolve("repository");
      assertThatThrownBy(() -> CrashCheck.check(dir, expectation, Scenario.PLAIN))
          .isInstanceOf(IOException.class);
    }
  }

  private CrashExpectation cutBefore(int change, Scenario scenario) throws Exception {
    CrashExpectation expectation;
    Path copy;
    try (LoopFileSystem disk =
        LoopFileSystem.make(temporary.resolve("disk"), FILE_SYSTEM_BYTES, LAZY)) {
      expectation = CrashRun.run(temporary, disk.root().resolve("repository"), change, scenario);
      copy = disk.copyDevice("cut");
    }
    try (LoopFileSystem left = LoopFileSystem.mount(copy, "loop")) {
      CrashCheck.check(left.root().resolve("repository"), expectation, scenario);
    }
    return expectation;
  }

  private static void copyFiles(Path from, Path to) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (Stream<Path> found = Files.walk(from)) {
      found.forEach(paths::add);
    }
    for (Path path : paths) {
      Files.copy(path, to.resolve(from.relativize(path).toString()));
    }
  }
}
