package io.nbdvault.cli;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.SnapshotJson;
import io.nbdvault.cli.render.SnapshotTable;
import io.nbdvault.engine.JobException;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists snapshots. */
@Command(
    name = "snapshots",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Lists the snapshots, oldest first, also while a backup runs.",
    description = {
      "%nTIME is local, with its offset from UTC. SIZE is that of all disks; READ what the"
          + " backup read; NEW what it found that was not in the repository; all in powers of"
          + " 1024. STATE is crash (as after a power cut), filesystem (frozen by the guest agent)"
          + " or offline (not running). P marks what is protected from forget, F what is forgotten, C what is"
          + " forgotten and being reclaimed by gc; the column is there if any is."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup snapshots web1",
      "  nbdvault -r /backup snapshots --json"
    })
final class SnapshotsCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "VM",
      arity = "0..1",
      description = "List only those of this VM. Default: all.")
  private @Nullable String vm;

  @Option(
      names = "--forgotten",
      description = "List the forgotten ones instead, which undelete brings back.")
  private boolean forgotten;

  SnapshotsCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException {
    List<CatalogEntry> snapshots;
    List<DamagedItem> damaged;
    try (ChunkStore store = new RepositoryAccess(root, spec).forReading()) {
      snapshots = store.catalog().stream().filter(entry -> entry.isKept() != forgotten).toList();
      damaged = store.damagedSnapshots();
    }
    if (vm != null) {
      String name = vm;
      snapshots = snapshots.stream().filter(entry -> entry.record().vm().equals(name)).toList();
      if (snapshots.isEmpty()) {
        throw JobException.badRequest(
            "there is no " + (forgotten ? "forgotten " : "") + "snapshot of VM '" + name + "'");
      }
    }
    print(snapshots);
    requireWhole(damaged);
    return ExitCode.OK;
  }

  /** What was listed is right; that it is not all must not go unnoticed. */
  private static void requireWhole(List<DamagedItem> damaged) throws JobException {
    if (!damaged.isEmpty()) {
      DamagedItem first = damaged.get(0);
      throw new JobException(
          JobException.Kind.PARTIAL,
          "damaged, and so not listed: "
              + first.what()
              + ": "
              + first.reason()
              + (damaged.size() > 1 ? ", and " + (damaged.size() - 1) + " more" : ""));
    }
  }

  private void print(List<CatalogEntry> snapshots) {
    PrintStream out = root.surroundings().out();
    if (root.isJson()) {
      JsonLines lines = new JsonLines(out);
      snapshots.forEach(snapshot -> lines.write(SnapshotJson.brief(snapshot)));
    } else if (snapshots.isEmpty()) {
      root.surroundings()
          .err()
          .println(forgotten ? "there are no forgotten snapshots" : "there are no snapshots yet");
    } else {
      SnapshotTable.lines(snapshots, root.surroundings().zone()).forEach(out::println);
    }
  }
}
