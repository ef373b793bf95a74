package io.nbdvault.engine.testkit;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.backup.BackupJob;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A backup in a JVM of its own, started with the options of {@code bin/nbdvault}, to see what a run
 * takes from its host.
 */
public final class BackupProcess {
  private static final long RUN_SECONDS_MAX = 300;
  private static final String PEAK = "VmHWM:";

  private BackupProcess() {}

  /** The program: backs up all disks of a QEMU, then prints the process's peak resident memory. */
  public static void main(String[] args) throws Exception {
    try (ChunkStore store = Repositories.open(Path.of(args[0]))) {
      var unused =
          new BackupJob(store, EngineLimits.defaults(), new Cancellation(), event -> {})
              .run(BackupBench.live("vm", Path.of(args[1])));
    }
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(PEAK)) {
        System.out.println(line);
      }
    }
  }

  /**
   * Runs a backup into {@code repository} and waits for its end.
   *
   * @return the most memory that was resident, in bytes
   */
  public static long run(Path directory, Path repository, Path qmpSocket)
      throws IOException, InterruptedException {
    Path output = Files.createTempFile(directory, "backup", ".out");
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(LauncherOptions.jvm());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(BackupProcess.class.getName(), repository.toString(), qmpSocket.toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(LauncherOptions.malloc());
    Process process = builder.start();
    try {
      if (!process.waitFor(RUN_SECONDS_MAX, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException(
            "the backup failed: " + Files.readString(output, StandardCharsets.UTF_8));
      }
    } finally {
      process.destroyForcibly();
    }
    return peakBytes(output);
  }

  private static long peakBytes(Path output) throws IOException {
    for (String line : Files.readAllLines(output)) {
      if (line.startsWith(PEAK)) {
        String[] fields = line.substring(PEAK.length()).strip().split(" ", 2);
        return Long.parseLong(fields[0]) << 10;
      }
    }
    throw new IOException("no " + PEAK + " in: " + Files.readString(output));
  }
}
