package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SIGKILL at any instant of a running VM's backup: no snapshot is lost, and the next backup is
 * right and leaves nothing behind.
 */
@Tag("long")
class KilledBackupIT {
  private static final Duration RUN_MAX = Duration.ofSeconds(60);
  private static final int KILLS = 26;
  private static final List<String> INCREMENTAL = List.of();
  private static final List<String> FULL = List.of("--full");

  /** Slow enough to be killed while it reads. */
  private static final List<String> SLOW_FULL = List.of("--full", "--rate-limit", "8M");

  @TempDir Path directory;
  private final long seed = Long.getLong("nbdvault.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private RecordedVm vm;

  /** How long a run lasts from its first event on, as measured; a guess before. */
  private long runMillis = 700;

  private int kills;

  @BeforeEach
  void start() throws IOException {
    System.out.println("test=KilledBackupIT -Dnbdvault.seed=" + seed);
    vm = new RecordedVm(directory, random);
  }

  @AfterEach
  void stop() throws IOException {
    vm.close();
  }

  @Test
  void killedAtAnyInstantNoSnapshotIsLostAndTheNextBackupIsRight() throws Exception {
    killAfterRandomTime(INCREMENTAL);
    killAt("disk-started", INCREMENTAL);
    killAfterRandomTime(INCREMENTAL);
    assertThat(RecordedVm.disksStarted(vm.backUpWithProgram())).hasSize(2);
    measure();

    for (String event : List.of("started", "point-in-time", "disk-started", "progress")) {
      killAt(event, INCREMENTAL);
      killAt(event, SLOW_FULL);
    }
    SnapshotRecord unused = vm.backUp();
    for (int n = 0; n < 3; n++) {
      int before = vm.snapshots().size();
      killAt("committed", n == 1 ? FULL : INCREMENTAL);
      assertThat(vm.snapshots()).as("with the one that was said to be safe").hasSize(before + 1);
      unused = vm.backUp();
    }
    for (int n = 0; kills < KILLS && n < 2 * KILLS; n++) {
      killAfterRandomTime(random.nextBoolean() ? FULL : INCREMENTAL);
      if (n % 4 == 3) {
        unused = vm.backUp();
      }
    }
    assertThat(kills).isEqualTo(KILLS);
    assertAllRestoreAndImagesAreSound();
  }

  /** Measures how long a full run lasts, so that the kills that follow are spread over it. */
  private void measure() throws Exception {
    vm.write();
    long[] begun = new long[1];
    RecordedVm.Content instant = vm.content();
    NbdvaultProcess.Listener onStart =
        NbdvaultProcess.at("started", run -> begun[0] = System.nanoTime());
    try (NbdvaultProcess process = vm.startBackup(onStart, FULL)) {
      NbdvaultProcess.Result unused = process.awaitExit(ExitCode.OK, RUN_MAX);
      runMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun[0]);
    }
    assertThat(vm.recordCommitted(instant)).isPresent();
  }

  /** Kills a run as soon as it tells an event. */
  private void killAt(String event, List<String> options) throws Exception {
    kill(NbdvaultProcess.at(event, NbdvaultProcess::kill), Optional.empty(), options);
  }

  /** Kills a run some time after it has begun, at the latest when it has just ended. */
  private void killAfterRandomTime(List<String> options) throws Exception {
    kill((run, line) -> {}, Optional.of(random.nextLong(1, runMillis)), options);
  }

  private void kill(
      NbdvaultProcess.Listener killer, Optional<Long> delayMillis, List<String> options)
      throws Exception {
    vm.write();
    RecordedVm.Content instant = vm.content();
    // The guest goes on writing: what it writes now is not in the snapshot, if there is one.
    NbdvaultProcess.Listener guest = NbdvaultProcess.at("point-in-time", run -> vm.write());
    NbdvaultProcess.Result result;
    try (NbdvaultProcess run = vm.startBackup(killer.and(guest), options)) {
      if (delayMillis.isPresent()) {
        run.awaitEvent("started", RUN_MAX);
        Thread.sleep(delayMillis.get());
        run.kill();
      }
      result = run.await(RUN_MAX);
    }
    assertThat(result.exitCode()).isIn(NbdvaultProcess.KILLED, ExitCode.OK);
    kills += result.exitCode() == NbdvaultProcess.KILLED ? 1 : 0;
    var unused = vm.recordCommitted(instant);
    List<SnapshotRecord> snapshots = vm.snapshots();
    if (!snapshots.isEmpty()) {
      vm.assertRestores(
          snapshots.get(random.nextInt(snapshots.size())),
          RecordedVm.DISKS.get(random.nextInt(RecordedVm.DISKS.size())));
    }
  }

  private void assertAllRestoreAndImagesAreSound() throws Exception {
    for (SnapshotRecord snapshot : vm.snapshots()) {
      vm.assertRestores(snapshot);
    }
    SnapshotRecord last = vm.backUp();
    Path target = directory.resolve("restored");
    assertThat(run("restore", last.id().hex(), "--to", target.toString()).exitCode()).isZero();
    for (String disk : RecordedVm.DISKS) {
      vm.assertSame(target.resolve(disk + ".raw"), last, disk);
    }
    vm.vm().quit();
    Path image = vm.vm().image("vda");
    QemuImg.check(image);
    assertThat(QemuImg.bitmaps(image))
        .containsExactly(last.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName());
  }

  private NbdvaultProcess.Result run(String... arguments) throws Exception {
    String[] all = new String[arguments.length + 2];
    all[0] = "-r";
    all[1] = vm.vm().bench().repository().toString();
    System.arraycopy(arguments, 0, all, 2, arguments.length);
    return NbdvaultProcess.run(directory, all);
  }

  @Test
  void cleanupAfterAKillLeavesOnlyCheckpointsAndTheNextBackupIsIncremental() throws Exception {
    SnapshotRecord first = vm.backUp();
    killAt("progress", SLOW_FULL);
    assertThat(vm.vm().commands().queryJobs()).as("jobs of the killed run").hasSize(2);

    NbdvaultProcess.Result cleanup = cleanup();

    assertThat(cleanup.exitCode()).isZero();
    assertThat(String.join("\n", cleanup.stdout()))
        .startsWith("removed what was left in the QEMU at ");
    vm.assertLeavesNothingButBitmaps();
    assertThat(vm.vm().bitmaps("vda")).noneMatch(name -> name.contains("export"));
    assertThat(vm.vm().bitmaps("vda"))
        .as("no repository says which of the checkpoints counts")
        .hasSize(2)
        .contains(first.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName());
    assertThat(String.join("\n", cleanup().stdout()))
        .startsWith("nothing of nbdvault was left in the QEMU at ");
    SnapshotRecord unused = vm.backUp();
  }

  @Test
  void cleanupOfAllRemovesCheckpointsTooAndTheNextBackupIsFullAndRight() throws Exception {
    SnapshotRecord unused = vm.backUp();
    killAt("disk-started", INCREMENTAL);

    assertThat(cleanup("--all").exitCode()).isZero();

    vm.assertLeavesNothingButBitmaps();
    assertThat(vm.vm().state().ourBitmaps()).isEmpty();
    RecordedVm.Content instant = vm.content();
    NbdvaultProcess.Result next;
    try (NbdvaultProcess run = vm.startBackup((process, line) -> {}, INCREMENTAL)) {
      next = run.awaitExit(ExitCode.OK, RUN_MAX);
    }
    assertThat(RecordedVm.disksStarted(next))
        .hasSize(2)
        .allMatch(
            disk ->
                disk.path("fullReason")
                    .asText()
                    .equals("the bitmap of its last snapshot is missing"));
    SnapshotRecord snapshot = vm.recordCommitted(instant).orElseThrow();
    vm.assertRestores(snapshot);
    vm.assertLeavesNothingBut(snapshot);
  }

  private NbdvaultProcess.Result cleanup(String... options) throws Exception {
    String[] all = new String[options.length + 3];
    all[0] = "cleanup";
    all[1] = "--qmp";
    all[2] = vm.vm().qemu().toolSocket().toString();
    System.arraycopy(options, 0, all, 3, options.length);
    return NbdvaultProcess.run(directory, all);
  }
}
