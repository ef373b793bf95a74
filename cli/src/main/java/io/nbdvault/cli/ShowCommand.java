package io.nbdvault.cli;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.SnapshotDetails;
import io.nbdvault.cli.render.SnapshotJson;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.SnapshotSelector;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows one snapshot. */
@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Shows all there is to know of a snapshot.",
    description =
        "%nThe VM's configuration, as QEMU reported it, is shown with --json only. Of a disk, zero is"
            + " what was reported or found to be zeroes, without being read or while it was; new and"
            + " dedup are what was read, before compression.",
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup show web1@latest",
      "  nbdvault -r /backup show 1a2b3c4d --json"
    })
final class ShowCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(paramLabel = "SNAPSHOT", description = RestoreCommand.SNAPSHOT_DESCRIPTION)
  private String snapshot = "";

  ShowCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException {
    CatalogEntry entry;
    try (ChunkStore store = new RepositoryAccess(root, spec).forReading()) {
      SnapshotId id = SnapshotSelector.select(store, snapshot).id();
      SnapshotRecord record = store.snapshot(id).orElseThrow(() -> new NoSuchSnapshotException(id));
      SnapshotState state =
          store.catalog().stream()
              .filter(candidate -> candidate.record().id().equals(id))
              .map(CatalogEntry::state)
              .findFirst()
              .orElseThrow(() -> new NoSuchSnapshotException(id));
      entry = new CatalogEntry(record, state);
    }
    PrintStream out = root.surroundings().out();
    if (root.isJson()) {
      new JsonLines(out).write(SnapshotJson.full(entry));
    } else {
      SnapshotDetails.lines(entry, root.surroundings().zone()).forEach(out::println);
    }
    return ExitCode.OK;
  }
}
