package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.StatisticsJson;
import io.nbdvault.cli.render.StatisticsText;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.StatisticsJob;
import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what the repository holds, and for whom. */
@Command(
    name = "stats",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Shows how much the repository holds, and for whom, also while a backup runs.",
    description = {
      "%nSIZE is that of all disks; DATA what of it is not zeroes, each snapshot counted as if it"
          + " were the only one. ALONE is what only this VM, or this snapshot, needs: what gc"
          + " would reclaim if it were forgotten, in bytes before compression, and STORED after."
          + " All in powers of 1024."
    },
    footer = {"%nExamples:", "  nbdvault -r /backup stats", "  nbdvault -r /backup stats --json"})
final class StatsCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Option(names = "--snapshots", description = "Show each snapshot, not only each VM.")
  private boolean snapshots;

  StatsCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException {
    StoreStatistics statistics;
    try (ChunkStore store = new RepositoryAccess(root, spec).forReading();
        JobDisplay display = root.display()) {
      statistics = new StatisticsJob(store, root.surroundings().cancellation(), display).run();
    }
    long diskBytes = RepositorySize.bytes(root.repository(spec));
    PrintStream out = root.surroundings().out();
    if (root.isJson()) {
      JsonLines lines = new JsonLines(out);
      StatisticsJson.objects(statistics, diskBytes).forEach(lines::write);
    } else {
      StatisticsText.lines(statistics, diskBytes, snapshots).forEach(out::println);
    }
    return ExitCode.OK;
  }
}
