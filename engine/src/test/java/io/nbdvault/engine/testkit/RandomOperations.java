package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.CollectJob;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.QemuVmBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * A VM with a qcow2 and a raw disk, two repositories, and a random sequence of what can happen to
 * them, damage and repair among it. The model says not only what each snapshot must hold, but also
 * which backups must be incremental, so that reading everything each time would not pass for right.
 * During a backup the guest goes on writing. After each step nothing of ours may be left.
 */
public final class RandomOperations implements AutoCloseable {
  private static final int WRITES_PER_STEP_MAX = 6;
  private static final int EVENTS_BEFORE_CANCEL_MAX = 12;

  private final Path directory;
  private final Random random;
  private final List<ModelledDisk> disks;
  private final List<BackupBench> repositories;
  private final Map<BackupBench, RandomDamage> damages = new HashMap<>();
  private final List<Kept> snapshots = new ArrayList<>();
  private final List<String> log = Collections.synchronizedList(new ArrayList<>());
  private QemuVm vm;

  /** A snapshot and the files that hold what its disks must be, in the order of the disks. */
  private record Kept(BackupBench repository, SnapshotRecord snapshot, List<Path> expected) {}

  public RandomOperations(Path directory, long seed) throws IOException {
    this.directory = directory;
    this.random = new Random(seed);
    this.disks =
        List.of(
            new ModelledDisk(directory, "vda", "qcow2", random),
            new ModelledDisk(directory, "vdb", "raw", random));
    this.repositories =
        List.of(BackupBench.create(directory, "one"), BackupBench.create(directory, "two"));
    for (BackupBench repository : repositories) {
      damages.put(repository, new RandomDamage(repository, random));
    }
    disks.forEach(disk -> disk.loseBitmaps(repositories));
    this.vm = start();
  }

  private QemuVm start() throws IOException {
    QemuVmBuilder builder = QemuVm.builder(directory);
    for (ModelledDisk disk : disks) {
      builder.disk(disk.name(), disk.image(), disk.format());
    }
    return builder.start();
  }

  /** What has been done so far, a line for each step. */
  public List<String> log() {
    return List.copyOf(log);
  }

  /** Goes on for about this long, and at the end restores every snapshot. */
  public void run(Duration length) throws Exception {
    long deadline = System.nanoTime() + length.toNanos();
    for (BackupBench repository : repositories) {
      backUp(repository, false, Optional.empty());
    }
    while (System.nanoTime() - deadline < 0) {
      change();
      step();
      new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    }
    for (Kept kept : snapshots) {
      restore(kept);
    }
  }

  private void step() throws Exception {
    BackupBench repository = repositories.get(random.nextInt(repositories.size()));
    int choice = random.nextInt(100);
    if (choice < 32) {
      backUp(repository, random.nextInt(8) == 0, Optional.empty());
    } else if (choice < 52) {
      backUp(repository, false, Optional.of(1 + random.nextInt(EVENTS_BEFORE_CANCEL_MAX)));
    } else if (choice < 58) {
      log.add(disks.get(random.nextInt(disks.size())).grow(vm, random, repositories));
    } else if (choice < 64) {
      quitAndStart();
    } else if (choice < 69) {
      killAndStart();
    } else if (choice < 80) {
      log.add(damage(repository).damage(expected(repository)));
    } else if (choice < 87) {
      forgetAndCollect(repository);
    } else {
      restore(snapshots.get(random.nextInt(snapshots.size())));
    }
  }

  private RandomDamage damage(BackupBench repository) {
    return Objects.requireNonNull(damages.get(repository));
  }

  private List<Kept> snapshots(BackupBench repository) {
    return snapshots.stream().filter(kept -> kept.repository() == repository).toList();
  }

  private List<RandomDamage.Expected> expected(BackupBench repository) {
    List<RandomDamage.Expected> expected = new ArrayList<>();
    for (Kept kept : snapshots(repository)) {
      for (int i = 0; i < disks.size(); i++) {
        expected.add(new RandomDamage.Expected(disk(kept, i), kept.expected().get(i)));
      }
    }
    return expected;
  }

  private RandomDamage.Disk disk(Kept kept, int index) {
    return new RandomDamage.Disk(kept.snapshot().id(), disks.get(index).name());
  }

  /** Not the last one, so that the next backup has a parent. */
  private void forgetAndCollect(BackupBench repository) throws Exception {
    List<Kept> kept = snapshots(repository);
    if (kept.size() < 2) {
      return;
    }
    Kept forgotten = kept.get(random.nextInt(kept.size() - 1));
    log.add("forget " + forgotten.snapshot().id().shortForm() + " and collect");
    snapshots.remove(forgotten);
    for (Path file : forgotten.expected()) {
      Files.delete(file);
    }
    try (ChunkStore store = Repositories.open(repository.repository())) {
      store.forget(Set.of(forgotten.snapshot().id()));
      CollectReport report =
          new CollectJob(store, new Cancellation(), event -> {}).run(CollectOptions.defaults());
      assertThat(report.snapshotsReclaimed()).isPositive();
    } catch (JobException e) {
      if (!damage(repository).isHurt()) {
        throw e;
      }
      log.add("no collection, as something is damaged");
    }
  }

  private void change() throws IOException {
    for (int i = random.nextInt(WRITES_PER_STEP_MAX); i > 0; i--) {
      ModelledDisk disk = disks.get(random.nextInt(disks.size()));
      log.add(random.nextInt(5) == 0 ? disk.discard(vm, random) : writeTo(disk));
    }
  }

  private String writeTo(ModelledDisk disk) throws IOException {
    return random.nextInt(4) == 0 ? disk.writeZeroes(vm, random) : disk.write(vm, random);
  }

  /** Bitmaps of qcow2 images are kept by a QEMU that is asked to end. */
  private void quitAndStart() throws IOException {
    log.add("quit and start");
    vm.quit();
    vm.close();
    for (ModelledDisk disk : disks) {
      if (!disk.keepsBitmaps()) {
        disk.loseBitmaps(repositories);
      }
    }
    vm = start();
  }

  /** What has been flushed is there after a kill; what the bitmaps held is not. */
  private void killAndStart() throws IOException {
    log.add("kill and start");
    for (ModelledDisk disk : disks) {
      vm.guestFlush(disk.name());
      disk.killed(repositories);
    }
    vm.kill();
    vm.close();
    vm = start();
  }

  /**
   * Backs up, while the guest writes.
   *
   * @param full whether all of the disks is read
   * @param cancelAfter the number of the event at which the backup is cancelled
   */
  private void backUp(BackupBench repository, boolean full, Optional<Integer> cancelAfter)
      throws Exception {
    String name = repository.repository().getFileName().toString();
    log.add(
        (full ? "full " : "")
            + "backup to "
            + name
            + cancelAfter.map(n -> ", cancelled at event " + n).orElse(""));
    Cancellation cancellation = new Cancellation();
    List<byte[]> expected = new ArrayList<>();
    int[] events = new int[1];
    repository.onEvent(
        event -> {
          events[0]++;
          if (cancelAfter.equals(Optional.of(events[0]))) {
            cancellation.cancel();
          }
          if (event instanceof JobEvent.PointInTime) {
            disks.forEach(disk -> expected.add(disk.copy()));
          } else if (event instanceof JobEvent.DiskStarted) {
            writeDuringBackup();
          }
        });
    int before = repository.snapshots().size();
    try {
      SnapshotRecord snapshot = repository.backup(request(full), cancellation);
      assertIncrementalWhereItCanBe(repository, full, snapshot);
      keep(repository, snapshot, expected);
    } catch (JobException e) {
      if (cancelAfter.isEmpty() || e.kind() != JobException.Kind.CANCELLED) {
        throw e;
      }
      assertThat(repository.snapshots()).as("snapshots after a cancelled backup").hasSize(before);
    }
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  private void writeDuringBackup() {
    try {
      for (int i = random.nextInt(4); i > 0; i--) {
        log.add("during it: " + writeTo(disks.get(random.nextInt(disks.size()))));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private BackupRequest request(boolean full) {
    BackupRequest live = BackupBench.live("vm", vm.toolSocket());
    return new BackupRequest(
        live.vm(),
        live.source(),
        live.disks(),
        live.exclude(),
        full,
        live.tags(),
        live.force(),
        live.scratch(),
        live.guestAgent(),
        live.freeze(),
        live.rateLimitBytesPerSecond());
  }

  /** Where its parent is damaged, that is read in full, but it may have healed since. */
  private void assertIncrementalWhereItCanBe(
      BackupBench repository, boolean full, SnapshotRecord snapshot) {
    List<Kept> before = snapshots(repository);
    for (int i = 0; i < disks.size(); i++) {
      ModelledDisk disk = disks.get(i);
      DiskRecord record = snapshot.disk(disk.name()).orElseThrow();
      boolean mayBeRefused =
          !before.isEmpty()
              && damage(repository).mayBeRefused(disk(before.get(before.size() - 1), i));
      if (!mayBeRefused || record.incremental()) {
        assertThat(record.incremental())
            .as("whether %s was read incrementally (%s)", disk.name(), record.fullReason())
            .isEqualTo(!full && !disk.mustBeFull(repository));
      }
      disk.backedUp(repository);
    }
  }

  private void keep(BackupBench repository, SnapshotRecord snapshot, List<byte[]> expected)
      throws IOException {
    List<Path> files = new ArrayList<>();
    for (byte[] content : expected) {
      files.add(Files.write(Files.createTempFile(directory, "expected", ".raw"), content));
    }
    Kept made = new Kept(repository, snapshot, files);
    snapshots.add(made);
    noteHealed(made);
  }

  /** What is like what was just stored is whole, whatever it was before. */
  private void noteHealed(Kept made) throws IOException {
    for (Kept kept : snapshots(made.repository())) {
      for (int i = 0; i < disks.size(); i++) {
        if (Files.mismatch(kept.expected().get(i), made.expected().get(i)) == -1) {
          damage(made.repository()).healed(disk(kept, i));
        }
      }
    }
  }

  /** It is what it was, or, where it was damaged and not stored anew, it is refused. */
  private void restore(Kept kept) throws Exception {
    log.add("restore " + kept.snapshot().id().shortForm());
    for (int i = 0; i < disks.size(); i++) {
      Path restored;
      try {
        restored = kept.repository().restore(kept.snapshot(), disks.get(i).name());
      } catch (JobException | StoreException e) {
        if (!damage(kept.repository()).mayBeRefused(disk(kept, i))) {
          throw e;
        }
        log.add("refused: " + e.getMessage());
        continue;
      }
      assertThat(Files.mismatch(restored, kept.expected().get(i)))
          .as("first wrong byte of %s", restored.getFileName())
          .isEqualTo(-1);
      damage(kept.repository()).healed(disk(kept, i));
      Files.delete(restored);
    }
  }

  @Override
  public void close() throws IOException {
    vm.close();
  }
}
