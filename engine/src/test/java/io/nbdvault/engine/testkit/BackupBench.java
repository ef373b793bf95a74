package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.backup.BackupJob;
import io.nbdvault.engine.restore.RestoreJob;
import io.nbdvault.engine.restore.RestoreRequest;
import io.nbdvault.engine.source.BackupRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/** A repository in a directory of its own, with the jobs of a user a line each. */
public final class BackupBench {
  private final Path directory;
  private final Path repository;
  private final List<JobEvent> events = Collections.synchronizedList(new ArrayList<>());
  private EngineLimits limits = EngineLimits.defaults().withScratchFreeBytesMin(1 << 20);
  private JobListener listener = event -> {};

  private BackupBench(Path directory, Path repository) {
    this.directory = directory;
    this.repository = repository;
  }

  /** Creates a repository called {@code name} below {@code directory}. */
  public static BackupBench create(Path directory, String name) throws IOException {
    Path repository = directory.resolve(name);
    Repositories.create(repository, RepositoryOptions.defaults());
    return new BackupBench(directory, repository);
  }

  public Path repository() {
    return repository;
  }

  /** Uses other limits from here on. */
  public BackupBench limits(EngineLimits other) {
    limits = other;
    return this;
  }

  /** Is called with every event from here on, while the job runs. */
  public BackupBench onEvent(JobListener other) {
    listener = other;
    return this;
  }

  /** A request for all disks of a running QEMU. */
  public static BackupRequest live(String vm, Path qmpSocket) {
    return request(vm, new BackupRequest.RunningQemu(qmpSocket));
  }

  /** A request for all disks of a source, with nothing else asked for. */
  public static BackupRequest request(String vm, BackupRequest.Source source) {
    return new BackupRequest(
        vm,
        source,
        Set.of(),
        Set.of(),
        false,
        new TreeMap<>(),
        false,
        Optional.empty(),
        Optional.empty(),
        BackupRequest.Freeze.NEVER,
        OptionalLong.empty());
  }

  /** Runs a backup in a store opened for it alone, as a command does. */
  public SnapshotRecord backup(BackupRequest request)
      throws IOException, JobException, InterruptedException {
    return backup(request, new Cancellation());
  }

  /** Runs a backup that {@code cancellation} can end. */
  public SnapshotRecord backup(BackupRequest request, Cancellation cancellation)
      throws IOException, JobException, InterruptedException {
    events.clear();
    try (ChunkStore store = Repositories.open(repository)) {
      return new BackupJob(
              store,
              limits,
              cancellation,
              event -> {
                events.add(event);
                listener.onEvent(event);
              })
          .run(request);
    }
  }

  /** What the last backup told. */
  public List<JobEvent> events() {
    return List.copyOf(events);
  }

  /** The snapshots in the repository. */
  public List<SnapshotRecord> snapshots() throws IOException {
    try (ChunkStore store = Repositories.openReadOnly(repository)) {
      return store.snapshots();
    }
  }

  /** Restores one disk to a new raw file. */
  public Path restore(SnapshotRecord snapshot, String disk)
      throws IOException, JobException, InterruptedException {
    Path target = directory.resolve("restored-" + snapshot.id().shortForm() + "-" + disk + ".raw");
    Files.deleteIfExists(target);
    restore(
        new RestoreRequest(
            snapshot.id().hex(), List.of(disk), target.toString(), Optional.empty(), false));
    return target;
  }

  /** Runs a restore. */
  public void restore(RestoreRequest request)
      throws IOException, JobException, InterruptedException {
    try (ChunkStore store = Repositories.openReadOnly(repository)) {
      var unused = new RestoreJob(store, limits, new Cancellation(), event -> {}).run(request);
    }
  }

  /** Restores a disk and compares every byte. */
  public void assertRestores(SnapshotRecord snapshot, String disk, byte[] expected)
      throws IOException, JobException, InterruptedException {
    Path restored = restore(snapshot, disk);
    assertThat(DiskModel.firstDifference(restored, expected))
        .as("first byte of %s in snapshot %s that differs", disk, snapshot.id().shortForm())
        .isEqualTo(-1);
    Files.delete(restored);
  }
}
