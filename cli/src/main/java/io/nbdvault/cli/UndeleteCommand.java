package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.retention.UndeleteJob;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings forgotten snapshots back. */
@Command(
    name = "undelete",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Brings forgotten snapshots back, as long as gc has not begun to reclaim them.",
    description = "%nnbdvault snapshots --forgotten lists those that there are.",
    footer = {"%nExamples:", "  nbdvault -r /backup undelete 1a2b3c4d"})
final class UndeleteCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "SNAPSHOT",
      arity = "1..*",
      description = "Of the forgotten ones. " + RestoreCommand.SNAPSHOT_DESCRIPTION)
  private List<String> snapshots = new ArrayList<>();

  UndeleteCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    Collection<SnapshotRecord> back;
    try (ChunkStore store = new RepositoryAccess(root, spec).forReclaiming()) {
      back = new UndeleteJob(store).run(snapshots);
    }
    new ChangedSnapshots(root).tell("undelete", "back: ", back);
    return ExitCode.OK;
  }
}
