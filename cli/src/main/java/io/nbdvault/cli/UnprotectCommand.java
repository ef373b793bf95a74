package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.retention.ProtectJob;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Ends the protection of snapshots. */
@Command(
    name = "unprotect",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Ends the protection of snapshots: they can be forgotten again.",
    footer = {"%nExamples:", "  nbdvault -r /backup unprotect web1@latest"})
final class UnprotectCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "SNAPSHOT",
      arity = "1..*",
      description = RestoreCommand.SNAPSHOT_DESCRIPTION)
  private List<String> snapshots = new ArrayList<>();

  UnprotectCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    Collection<SnapshotRecord> changed;
    try (ChunkStore store = new RepositoryAccess(root, spec).forWriting()) {
      changed = new ProtectJob(store).run(snapshots, false);
    }
    new ChangedSnapshots(root).tell("unprotect", "not protected: ", changed);
    return ExitCode.OK;
  }
}
