package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.cli.render.DiffDisplay;
import io.nbdvault.cli.render.DiffJson;
import io.nbdvault.cli.render.DiffText;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.DiffJob;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows in what two snapshots differ. */
@Command(
    name = "diff",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Shows which bytes of which disks differ between two snapshots.",
    description = {
      "%nRanges are as exact as the repository's chunk size; what lies past the end of the"
          + " smaller of two disks counts as zeroes there. Only what differs is looked at, and"
          + " no data is read."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup diff web1@2026-01-30 web1@latest",
      "  nbdvault -r /backup diff 1a2b3c4d 5e6f7081 --disk vda --json"
    })
final class DiffCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "FROM", description = RestoreCommand.SNAPSHOT_DESCRIPTION)
  private String from = "";

  @Parameters(index = "1", paramLabel = "TO", description = "Likewise, what it is compared with.")
  private String to = "";

  @Option(
      names = "--disk",
      paramLabel = "NAME",
      description = "Compare only this disk. Repeatable. Default: all disks.")
  private List<String> disks = new ArrayList<>();

  DiffCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException {
    try (ChunkStore store = new RepositoryAccess(root, spec).forReading()) {
      DiffJob job = new DiffJob(store, root.surroundings().cancellation());
      DiffJob.Pair pair = job.select(from, to, Set.copyOf(disks));
      DiffDisplay display =
          root.isJson()
              ? new DiffJson(new JsonLines(root.surroundings().out()), pair)
              : new DiffText(root.surroundings().out(), pair);
      job.run(pair, Set.copyOf(disks), display);
      display.end();
    }
    return ExitCode.OK;
  }
}
