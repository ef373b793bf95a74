package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.cli.render.CollectSummary;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.CollectJob;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Reclaims what no snapshot needs. */
@Command(
    name = "gc",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Reclaims the space of what no snapshot needs.",
    description = {
      "%nForgotten snapshots are gone for good once it has begun. It may be stopped or killed at"
          + " any time: nothing is lost, and the next one goes on from there. Snapshots can be"
          + " read meanwhile. Works where no space is left."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup gc --dry-run",
      "  nbdvault -r /backup gc --rate-limit 100M"
    })
final class GcCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Option(
      names = "--dry-run",
      description =
          "Show what would be reclaimed; change nothing, and wait for nobody. What the newest run"
              + " left that came to no end is not counted, as that run may still be under way.")
  private boolean dryRun;

  @Option(
      names = "--rate-limit",
      paramLabel = "BYTES_PER_S",
      converter = ByteSizeConverter.class,
      description = "Rewrite at most this many bytes a second, such as 50M. Default: no limit.")
  private @Nullable Long rateLimitBytesPerSecond;

  GcCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    CollectOptions options = options();
    RepositoryAccess access = new RepositoryAccess(root, spec);
    try (ChunkStore store = dryRun ? access.forReading() : access.forReclaiming()) {
      collect(root, store, options);
    }
    return ExitCode.OK;
  }

  CollectOptions options() {
    if (rateLimitBytesPerSecond != null && rateLimitBytesPerSecond == 0) {
      throw new ParameterException(
          spec.commandLine(), "--rate-limit: 0 (expected: 1 or more bytes a second)");
    }
    return new CollectOptions(
        dryRun,
        rateLimitBytesPerSecond == null
            ? OptionalLong.empty()
            : OptionalLong.of(rateLimitBytesPerSecond));
  }

  /** Collects, and tells what came of it. */
  static void collect(NbdvaultCommand root, ChunkStore store, CollectOptions options)
      throws StoreException, JobException {
    CollectReport report;
    try (JobDisplay display = root.display()) {
      report = new CollectJob(store, root.surroundings().cancellation(), display).run(options);
    }
    if (root.isJson()) {
      new JsonLines(root.surroundings().out()).write(CollectSummary.json(report));
    } else if (!root.isQuiet()) {
      CollectSummary.lines(report).forEach(root.surroundings().out()::println);
    }
    if (!report.leftOut().isEmpty()) {
      throw new JobException(JobException.Kind.PARTIAL, CollectSummary.advice(report));
    }
  }
}
