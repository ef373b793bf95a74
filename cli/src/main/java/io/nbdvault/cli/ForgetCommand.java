package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.Printable;
import io.nbdvault.cli.render.RetentionJson;
import io.nbdvault.cli.render.RetentionTable;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.retention.ForgetJob;
import io.nbdvault.engine.retention.ForgetRequest;
import io.nbdvault.engine.retention.RetentionPlan;
import io.nbdvault.engine.retention.RetentionPolicy;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Forgets snapshots. */
@Command(
    name = "forget",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Forgets snapshots: those named, or those that no rule keeps.",
    description = {
      "%nSpace comes back with gc; until then, undelete brings them back. Rules count the"
          + " snapshots of each VM alone, in local time; one is kept if any rule keeps it. The"
          + " newest of a VM and of each of its disks is always kept, so is what is protected or"
          + " has a time in the future: these last two are not counted. While a rule for hours,"
          + " days, weeks, months or years finds fewer than N, it keeps the oldest snapshot too."
          + " --keep-within is the one rule that any number of fresh snapshots cannot push good"
          + " ones out of."
    },
    customSynopsis = {
      "nbdvault forget SNAPSHOT... [--dry-run | --gc]",
      "       nbdvault forget --vm VM --keep-... N ... [--dry-run | --gc]",
      "       nbdvault forget --all-vms --keep-... N ... [--dry-run | --gc]"
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup forget --vm web1 --keep-daily 7 --keep-weekly 5 --dry-run",
      "  nbdvault -r /backup forget --all-vms --keep-daily 14 --keep-within 14d --gc",
      "  nbdvault -r /backup forget 1a2b3c4d"
    })
final class ForgetCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "SNAPSHOT",
      arity = "0..*",
      description = RestoreCommand.SNAPSHOT_DESCRIPTION)
  private List<String> snapshots = new ArrayList<>();

  @Option(
      names = "--vm",
      paramLabel = "VM",
      description = "Look at the snapshots of this VM. Default: none.")
  private @Nullable String vm;

  @Option(
      names = "--all-vms",
      description = "Look at the snapshots of all VMs, of each on its own.")
  private boolean allVms;

  @Mixin private KeepOptions keep = new KeepOptions();

  @Option(
      names = "--dry-run",
      description = "Show which would be kept, and by which rule; change nothing.")
  private boolean dryRun;

  @Option(
      names = "--gc",
      description =
          "Reclaim space at once, as gc does; not where there is a warning that most of a VM's"
              + " history is being forgotten.")
  private boolean gc;

  ForgetCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    ForgetRequest request = request();
    ForgetJob job = new ForgetJob(Instant.now(), root.surroundings().zone());
    RepositoryAccess access = new RepositoryAccess(root, spec);
    if (dryRun) {
      try (ChunkStore store = access.forReading()) {
        show(job.plan(store, request));
      }
    } else {
      try (ChunkStore store = access.forReclaiming()) {
        RetentionPlan plan = job.run(store, request);
        show(plan);
        if (gc) {
          collect(store, plan);
        }
      }
    }
    return ExitCode.OK;
  }

  /** What an attacker's flood of snapshots has pushed out must not be gone before anybody looks. */
  private void collect(ChunkStore store, RetentionPlan plan) throws StoreException, JobException {
    if (!plan.alerts().isEmpty()) {
      throw new JobException(
          JobException.Kind.PARTIAL,
          "no space was reclaimed because of what the warning says: if all is well run nbdvault gc,"
              + " else nbdvault undelete");
    }
    GcCommand.collect(root, store, CollectOptions.defaults());
  }

  ForgetRequest request() {
    if (gc && dryRun) {
      throw misused("--gc and --dry-run exclude each other");
    }
    Optional<RetentionPolicy> policy = keep.policy(spec.commandLine());
    if (!snapshots.isEmpty()) {
      if (vm != null || allVms || policy.isPresent()) {
        throw misused("SNAPSHOT goes without --vm, --all-vms and --keep-...");
      }
      return new ForgetRequest.Named(snapshots);
    }
    if ((vm == null) == !allVms) {
      throw misused("name snapshots, or say whose to look at, with one of --vm VM and --all-vms");
    }
    if (policy.isEmpty()) {
      throw misused(
          "say what is kept, with one --keep-... or more that is not 0: else nothing would be");
    }
    return new ForgetRequest.ByPolicy(Optional.ofNullable(vm), policy.get());
  }

  private ParameterException misused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Perhaps none has it yet, perhaps it is misspelt: a sentence for each such tag. */
  private List<String> tagsWithoutSnapshot(RetentionPlan plan) {
    return keep.tags().stream()
        .filter(
            tag ->
                plan.decisions().stream()
                    .noneMatch(decision -> tag.matches(decision.snapshot().tags())))
        .map(tag -> "no snapshot has the tag " + Printable.line(tag.toString()) + " of --keep-tag")
        .toList();
  }

  private void show(RetentionPlan plan) {
    PrintStream out = root.surroundings().out();
    PrintStream err = root.surroundings().err();
    if (root.isJson()) {
      JsonLines lines = new JsonLines(out);
      tagsWithoutSnapshot(plan)
          .forEach(tag -> lines.write(JsonLines.event("warning").put("message", tag)));
      RetentionJson.of(plan, dryRun).forEach(lines::write);
      return;
    }
    tagsWithoutSnapshot(plan).forEach(tag -> err.println("nbdvault: warning: " + tag));
    plan.alerts().forEach(alert -> err.println("nbdvault: warning: " + alert));
    if (dryRun || !root.isQuiet()) {
      RetentionTable.lines(plan, root.surroundings().zone()).forEach(out::println);
      int count = plan.forgotten().size();
      int all = plan.decisions().size();
      String snapshotsOfAll = " " + count + " of " + all + (all == 1 ? " snapshot" : " snapshots");
      out.println((dryRun ? "would forget" : "forgot") + snapshotsOfAll);
    }
  }
}
