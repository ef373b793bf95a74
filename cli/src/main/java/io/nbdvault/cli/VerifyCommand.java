package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.VerifyJson;
import io.nbdvault.cli.render.VerifyText;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.VerifyJob;
import io.nbdvault.engine.maintenance.VerifyRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Looks for damage. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Reads the repository and looks for damage, also while a backup runs.",
    description = {
      "%nPrints which bytes of which disks of which snapshots cannot be read, and ends with code 3"
          + " if there are any. What is damaged is flagged: a later backup that meets the same"
          + " content stores it anew, which heals all snapshots that need it."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup verify",
      "  nbdvault -r /backup verify web1@latest",
      "  nbdvault -r /backup verify --sample 5"
    })
final class VerifyCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "SNAPSHOT",
      arity = "0..*",
      description =
          "Look only at what these need: each an id, a unique prefix of one, VM@latest or VM@TIME."
              + " Default: at everything.")
  private List<String> snapshots = new ArrayList<>();

  @Option(
      names = "--sample",
      paramLabel = "PERCENT",
      description = "Read only so many of the records, chosen at random. Default: all.")
  private double samplePercent = VerifyOptions.ALL_PERCENT;

  @Option(
      names = "--seed",
      paramLabel = "NUMBER",
      description = "Choose the sample that a run with this seed has chosen. Default: another one.")
  private @Nullable Long seed;

  @Option(
      names = "--checksums-only",
      description =
          "Check the records' checksums alone: faster, and notices what a disk did to them."
              + " Needs no password.")
  private boolean checksumsOnly;

  VerifyCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    RepositoryAccess access = new RepositoryAccess(root, spec);
    VerifyRequest request = request();
    long startNanos = System.nanoTime();
    VerifyReport report;
    boolean keyless = isKeyless();
    try (ChunkStore store = keyless ? access.forLookingWithoutKey() : access.forLooking();
        JobDisplay display = root.display()) {
      VerifyJob job =
          new VerifyJob(EngineLimits.defaults(), root.surroundings().cancellation(), display);
      VerifyJob.Writable writable = keyless ? access::forWritingWithoutKey : access::forWriting;
      report = job.run(store, writable, request);
    }
    print(report, request, Duration.ofNanos(System.nanoTime() - startNanos));
    if (!report.isClean()) {
      throw new JobException(JobException.Kind.PARTIAL, VerifyText.advice(report));
    }
    return ExitCode.OK;
  }

  /** Checksums need no key, so nobody is asked for one. Snapshots' names do. */
  private boolean isKeyless() {
    return checksumsOnly && snapshots.isEmpty() && !root.keys().expectsEncryption();
  }

  VerifyRequest request() {
    if (!(samplePercent > 0 && samplePercent <= VerifyOptions.ALL_PERCENT)) {
      throw new ParameterException(
          spec.commandLine(),
          "--sample: " + samplePercent + " (expected: more than 0 and at most 100)");
    }
    long chosen = seed == null ? ThreadLocalRandom.current().nextLong(1L << 32) : seed;
    return new VerifyRequest(snapshots, samplePercent, chosen, checksumsOnly);
  }

  private void print(VerifyReport report, VerifyRequest request, Duration took) {
    if (root.isJson()) {
      JsonLines lines = new JsonLines(root.surroundings().out());
      VerifyJson.objects(report, request, took).forEach(lines::write);
    } else if (!root.isQuiet() || !report.isClean()) {
      VerifyText.lines(report, request, took).forEach(root.surroundings().out()::println);
    }
  }
}
