package io.nbdvault.cli;

import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.RepairJson;
import io.nbdvault.cli.render.RepairText;
import io.nbdvault.cli.render.VerifyJson;
import io.nbdvault.cli.render.VerifyText;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.RepairJob;
import io.nbdvault.engine.maintenance.VerifyRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Repairs a repository. */
@Command(
    name = "repair",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Shows what is damaged in the repository's files, and repairs it with --apply.",
    description = {
      "%nReads every file of the database. Without --apply nothing is changed. What was there before"
          + " lies in the directory quarantine of the repository afterwards: nothing is deleted."
          + " Content that is lost stays lost until a backup meets it again; --apply ends with a"
          + " verification, which flags it and names what cannot be read.",
      "%nIf snapshots are lost, or may be, gc reclaims nothing any more: what they needed is still"
          + " there. Once you know what you miss, --acknowledge lets gc reclaim again.",
      "%nEnds with code 3 if something is damaged, or is damaged still."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup repair",
      "  nbdvault -r /backup repair --apply",
      "  nbdvault -r /backup repair --acknowledge"
    })
final class RepairCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @ArgGroup private @Nullable Deed deed;

  /** What is done, instead of showing the plan. */
  static final class Deed {
    @Option(names = "--apply", description = "Do what the plan says.")
    private boolean apply;

    @Option(
        names = "--acknowledge",
        description = "Accept what a repair could not bring back, so that gc reclaims again.")
    @SuppressWarnings("unused") // one of the two is given, so asking for the other is enough
    private boolean acknowledge;
  }

  RepairCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    if (deed == null) {
      return plan();
    }
    return deed.apply ? repair() : acknowledge();
  }

  private int acknowledge() throws StoreException {
    List<String> lost = Repositories.acknowledgeLosses(root.repository(spec));
    if (root.isJson()) {
      new JsonLines(root.surroundings().out()).write(RepairJson.acknowledged(lost));
    } else {
      RepairText.acknowledged(lost).forEach(root.surroundings().out()::println);
    }
    return ExitCode.OK;
  }

  private int plan() throws StoreException, JobException, InterruptedException {
    RepositoryAccess access = new RepositoryAccess(root, spec);
    RepairPlan plan;
    try (JobDisplay display = root.display()) {
      plan = newJob(display).plan(root.repository(spec), access::planRepair);
    }
    if (root.isJson()) {
      RepairJson.plan(plan).forEach(new JsonLines(root.surroundings().out())::write);
    } else {
      RepairText.plan(plan).forEach(root.surroundings().out()::println);
    }
    if (!plan.steps().isEmpty() || !plan.damage().isEmpty()) {
      throw new JobException(
          JobException.Kind.PARTIAL, "damage was found: repair it with repair --apply");
    }
    return ExitCode.OK;
  }

  private int repair() throws StoreException, JobException, InterruptedException {
    Path repository = root.repository(spec);
    RepositoryAccess access = new RepositoryAccess(root, spec);
    long startNanos = System.nanoTime();
    RepairJob.Outcome outcome;
    try (JobDisplay display = root.display()) {
      outcome = newJob(display).repair(repository, access::repair, access::forWriting);
    }
    print(outcome, Duration.ofNanos(System.nanoTime() - startNanos));
    if (!outcome.files().lost().isEmpty()) {
      throw new JobException(
          JobException.Kind.PARTIAL,
          "not everything could be brought back: look what you miss, then let gc reclaim again with"
              + " repair --acknowledge");
    }
    if (!outcome.content().isClean()) {
      throw new JobException(JobException.Kind.PARTIAL, VerifyText.advice(outcome.content()));
    }
    return ExitCode.OK;
  }

  private RepairJob newJob(JobDisplay display) {
    return new RepairJob(EngineLimits.defaults(), root.surroundings().cancellation(), display);
  }

  private void print(RepairJob.Outcome outcome, Duration took) {
    VerifyReport content = outcome.content();
    VerifyRequest everything = VerifyRequest.everything();
    if (root.isJson()) {
      JsonLines lines = new JsonLines(root.surroundings().out());
      RepairJson.plan(outcome.files().plan()).forEach(lines::write);
      RepairJson.lost(outcome.files()).forEach(lines::write);
      VerifyJson.damage(content).forEach(lines::write);
      lines.write(RepairJson.summary(outcome.files(), content, took));
    } else {
      RepairText.repaired(outcome.files()).forEach(root.surroundings().out()::println);
      VerifyText.lines(content, everything, took).forEach(root.surroundings().out()::println);
    }
  }
}
