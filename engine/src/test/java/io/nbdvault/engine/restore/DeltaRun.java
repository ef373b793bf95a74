package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** A restore of what differs, of one disk, and what it told. */
final class DeltaRun {
  private final List<JobEvent> events = Collections.synchronizedList(new ArrayList<>());
  private final JobListener listener;

  /** A run that is only looked at. */
  DeltaRun() {
    this(event -> {});
  }

  /**
   * @param listener hears what is told
   */
  DeltaRun(JobListener listener) {
    this.listener = listener;
  }

  static RestoreRequest request(SnapshotRecord snapshot, String disk, Object to) {
    return new RestoreRequest(
        snapshot.id().hex(), List.of(disk), to.toString(), Optional.empty(), false, false, true);
  }

  /** Runs to its end, which must be a good one. */
  static DeltaRun of(Path repository, RestoreRequest request)
      throws IOException, JobException, InterruptedException {
    DeltaRun run = new DeltaRun();
    run.begin(repository, request, new Cancellation());
    return run;
  }

  /** Runs until the first piece is done, and is cancelled then. */
  static DeltaRun cancelledAtOnce(Path repository, RestoreRequest request) {
    Cancellation cancellation = new Cancellation();
    DeltaRun run =
        new DeltaRun(
            event -> {
              if (event instanceof JobEvent.Progress) {
                cancellation.cancel();
              }
            });
    assertThatThrownBy(() -> run.begin(repository, request, cancellation))
        .isInstanceOf(JobException.class)
        .hasMessage("interrupted");
    return run;
  }

  /** Runs, whatever becomes of it. */
  void begin(Path repository, RestoreRequest request, Cancellation cancellation)
      throws IOException, JobException, InterruptedException {
    try (ChunkStore store = Repositories.openReadOnly(repository)) {
      var unused =
          new RestoreJob(store, EngineLimits.defaults(), cancellation, this::note).run(request);
    }
  }

  private void note(JobEvent event) {
    events.add(event);
    listener.onEvent(event);
  }

  List<JobEvent> events() {
    return List.copyOf(events);
  }

  /** In what the target differed. */
  DiskDifference difference() {
    return only(JobEvent.Restored.class).difference().orElseThrow();
  }

  /** Why all of the target was read; empty where a bitmap was proved. */
  Optional<String> fullReason() {
    JobEvent.DiskStarted started = only(JobEvent.DiskStarted.class);
    assertThat(started.incremental()).isEqualTo(started.fullReason().isEmpty());
    return started.fullReason();
  }

  List<String> warnings() {
    return events.stream()
        .filter(JobEvent.Warning.class::isInstance)
        .map(event -> ((JobEvent.Warning) event).message())
        .toList();
  }

  private <E extends JobEvent> E only(Class<E> kind) {
    List<E> found = events.stream().filter(kind::isInstance).map(kind::cast).toList();
    assertThat(found).as("events of the kind %s", kind.getSimpleName()).hasSize(1);
    return found.get(0);
  }
}
