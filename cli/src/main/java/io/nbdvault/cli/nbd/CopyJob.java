package io.nbdvault.cli.nbd;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One copy, from its checks to its last flush. */
public final class CopyJob {
  private static final long TICK_MILLIS = 200;

  private final CopyPlace from;
  private final CopyPlace to;
  private final CopyEnds ends;
  private final Cancellation cancellation;
  private final JobListener listener;
  private final CopyTally tally = new CopyTally();

  /**
   * What was copied.
   *
   * @param source as it was named
   * @param destination as it was named
   * @param sizeBytes in all
   * @param dataBytes of these, what was read; the source said of the rest that it is zeroes
   */
  public record Outcome(String source, String destination, long sizeBytes, long dataBytes) {}

  /**
   * @param cancellation asked a few times a second
   * @param listener hears of the start and of progress, on the thread that runs the job
   * @throws JobException if the two do not go together
   */
  public CopyJob(
      CopyPlace from,
      CopyPlace to,
      StandardStreams streams,
      CopyOptions options,
      Cancellation cancellation,
      JobListener listener)
      throws JobException {
    if (from.equals(to)) {
      throw JobException.badRequest("source and destination are the same");
    }
    if (!(from instanceof CopyPlace.Export || to instanceof CopyPlace.Export)) {
      throw JobException.badRequest(
          "neither the source nor the destination is an NBD URI; cp copies files");
    }
    this.from = from;
    this.to = to;
    this.ends = new CopyEnds(streams, options);
    this.cancellation = cancellation;
    this.listener = listener;
  }

  /** Copies; blocks until all is done and durable, or has failed. */
  public Outcome run() throws IOException, JobException, InterruptedException {
    try (CopySource source = ends.openSource(from);
        CopyDestination destination = ends.openDestination(to, source)) {
      listener.onEvent(new JobEvent.Started("copy", source.name()));
      try {
        copy(source, destination);
        return new Outcome(source.name(), destination.name(), tally.doneBytes(), tally.dataBytes());
      } catch (JobException e) {
        throw destination.isWrittenInPlace() ? incomplete(destination, e) : e;
      }
    }
  }

  private static JobException incomplete(CopyDestination destination, JobException failure) {
    return new JobException(
        failure.kind(),
        JobException.sentence(failure) + "; what is in " + destination.name() + " is incomplete",
        failure);
  }

  private void copy(CopySource source, CopyDestination destination)
      throws IOException, JobException, InterruptedException {
    CopySource.Transfer transfer = source.start(destination, tally);
    boolean complete = false;
    try {
      await(transfer.future(), source, destination);
      checkComplete(source);
      await(destination.finish(tally.doneBytes()), source, destination);
      destination.publish();
      complete = true;
    } finally {
      if (!complete) {
        transfer.cancel();
      }
    }
  }

  /** Nothing is given its name on trust. */
  private void checkComplete(CopySource source) {
    long done = tally.doneBytes();
    long expected = source.sizeBytes().orElse(done);
    if (done != expected) {
      throw new IllegalStateException("copied " + done + " bytes (expected: " + expected + ")");
    }
  }

  private void await(CompletableFuture<Void> step, CopySource source, CopyDestination destination)
      throws JobException, InterruptedException {
    boolean done = false;
    while (!done) {
      cancellation.check();
      try {
        step.get(TICK_MILLIS, TimeUnit.MILLISECONDS);
        done = true;
      } catch (TimeoutException e) {
        tell(source.sizeBytes());
      } catch (ExecutionException e) {
        cancellation.check();
        throw CopySource.notWritten(destination, Failures.unwrap(e));
      }
    }
  }

  /** Of a source whose size is not known there is nothing to tell. */
  private void tell(OptionalLong sizeBytes) {
    if (sizeBytes.isPresent()) {
      listener.onEvent(new JobEvent.Progress(tally.doneBytes(), sizeBytes.getAsLong(), 0, 0));
    }
  }
}
