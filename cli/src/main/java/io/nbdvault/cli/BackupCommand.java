package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.backup.BackupJob;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupRequest.Freeze;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Backs up a VM. */
@Command(
    name = "backup",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Backs up the disks of a VM, as they are at one instant.",
    description = {
      "%nA running VM goes on. The first backup reads what is allocated, later ones what"
          + " has changed. At the end stdout has a table: bytes of each disk read, found"
          + " dirty, new, found in the repository already (dedup), and stored."
    },
    customSynopsis = {
      "nbdvault backup VM --qmp SOCKET [OPTIONS]",
      "       nbdvault backup VM --image NAME=FILE,format=raw|qcow2 ... [OPTIONS]",
      "       nbdvault backup VM --nbd NAME=URI ... [OPTIONS]",
      "       nbdvault backup --plan FILE"
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup backup web1 --qmp /run/web1.qmp --tag reason=nightly",
      "  nbdvault -r /backup backup db2 --image vda=/vm/db2.qcow2,format=qcow2",
      "  nbdvault -r /backup backup --plan /etc/nbdvault/nightly.yaml"
    })
final class BackupCommand implements Callable<Integer> {
  static final String PLAN_OPTION = "--plan";

  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "VM",
      arity = "0..1",
      description = "Name of the VM in the repository: no '@' or '/', not only hex digits.")
  private String vm = "";

  @Mixin private SourceOptions source = new SourceOptions();

  @Option(
      names = "--disk",
      paramLabel = "NAME",
      description = "Back up only this disk. Repeatable. Default: all disks.")
  private List<String> disks = new ArrayList<>();

  @Option(
      names = "--exclude",
      paramLabel = "NAME",
      description = "Leave this disk out. Repeatable. Default: none.")
  private List<String> exclude = new ArrayList<>();

  @Option(
      names = "--full",
      description = "Read all that is allocated, whatever is known to be unchanged.")
  private boolean full;

  @Option(
      names = "--tag",
      paramLabel = "NAME=VALUE",
      converter = Tag.Converter.class,
      description = "Free text kept with the snapshot. Repeatable. Default: none.")
  private List<Tag> tags = new ArrayList<>();

  @Option(
      names = "--scratch",
      paramLabel = "DIR",
      description =
          "Directory for what the guest overwrites meanwhile; needs free space, and no tmpfs."
              + " Default: the directory of each disk's image.")
  private @Nullable Path scratch;

  @Option(
      names = "--force",
      description = "Accept that the VM of this name has another UUID than before.")
  private boolean force;

  @Option(
      names = "--guest-agent",
      paramLabel = "SOCKET",
      description = "Socket of the QEMU guest agent. Default: none.")
  private @Nullable Path guestAgent;

  @Option(
      names = "--freeze",
      paramLabel = "auto|require|never",
      converter = FreezeConverter.class,
      description =
          "Whether the guest's file systems are frozen for the instant: auto if the agent"
              + " answers, require or fail, never. Default: auto.")
  private Freeze freeze = Freeze.AUTO;

  @Option(
      names = "--rate-limit",
      paramLabel = "BYTES_PER_S",
      converter = ByteSizeConverter.class,
      description = "Read at most this many bytes a second, such as 50M. Default: no limit.")
  private @Nullable Long rateLimitBytesPerSecond;

  @Option(
      names = "--compression",
      paramLabel = "lz4|zstd[:LEVEL]|none",
      converter = CompressionConverter.class,
      description =
          "How what is new is compressed: lz4, zstd with a level of 1 to 19 (3 if none is given),"
              + " or none. Default: what init was told.")
  private @Nullable Compression compression;

  @Option(
      names = "--verify-writes",
      description =
          "Open every new record again and compare it before it is stored: catches memory that"
              + " errs, for some CPU time.")
  private boolean verifyWrites;

  @Option(
      names = PLAN_OPTION,
      paramLabel = "FILE",
      description =
          "Back up the VMs that this YAML file lists, each with options of its own, some at a"
              + " time; see the README. Goes with no other option of this command. Default: none.")
  private @Nullable Path plan;

  BackupCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    RepositoryAccess access = new RepositoryAccess(root, spec);
    if (plan != null) {
      checkAlone();
      new PlanRun(root, access).run(BackupPlan.of(BackupPlanFile.read(plan), root));
      return ExitCode.OK;
    }
    BackupRequest request = request();
    try (ChunkStore store = access.forWriting();
        JobDisplay display = root.display()) {
      new BackupJob(store, EngineLimits.defaults(), root.surroundings().cancellation(), display)
          .run(request);
    }
    return ExitCode.OK;
  }

  BackupRequest request() {
    if (vm.isEmpty()) {
      throw misused("Missing required parameter: 'VM'");
    }
    BackupRequest.Source from = source.source(spec.commandLine());
    check();
    SortedMap<String, String> tagsByName = new TreeMap<>();
    tags.forEach(tag -> tagsByName.put(tag.name(), tag.value()));
    return new BackupRequest(
        vm,
        from,
        Set.copyOf(disks),
        Set.copyOf(exclude),
        full,
        tagsByName,
        force,
        Optional.ofNullable(scratch),
        Optional.ofNullable(guestAgent),
        freeze,
        rateLimitBytesPerSecond == null
            ? OptionalLong.empty()
            : OptionalLong.of(rateLimitBytesPerSecond),
        Optional.ofNullable(compression),
        verifyWrites);
  }

  /** What else was given would not be heeded. */
  private void checkAlone() {
    boolean more =
        spec.commandLine().getParseResult().matchedOptions().stream()
            .anyMatch(option -> !option.inherited() && !option.names()[0].equals(PLAN_OPTION));
    if (more || !vm.isEmpty()) {
      throw misused(PLAN_OPTION + " goes with no VM and no other option of backup");
    }
  }

  private void check() {
    if (rateLimitBytesPerSecond != null && rateLimitBytesPerSecond == 0) {
      throw misused("--rate-limit: 0 (expected: 1 or more bytes a second)");
    }
    if (!source.isRunningQemu() && guestAgent != null) {
      throw misused("--guest-agent is of use with --qmp only");
    }
    if (freeze == Freeze.REQUIRE && guestAgent == null) {
      throw misused("--freeze " + Choice.name(freeze) + " needs --guest-agent SOCKET");
    }
  }

  private ParameterException misused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
