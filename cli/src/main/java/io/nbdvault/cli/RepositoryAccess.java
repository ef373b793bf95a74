package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Model.CommandSpec;

/** Opens the repository that the command line names, as its options ask for. */
final class RepositoryAccess {
  /** The lock is asked for again after this; whoever waits longest has no right to be first. */
  private static final long POLL_MILLIS = 200;

  private final NbdvaultCommand root;
  private final CommandSpec command;

  /**
   * @param command is named in errors
   */
  RepositoryAccess(NbdvaultCommand root, CommandSpec command) {
    this.root = root;
    this.command = command;
  }

  /** Opens it for reading, also while another process writes to it. */
  ChunkStore forReading() throws StoreException {
    return RepositoryAccess.<ChunkStore>advising(
            repository -> Repositories.openReadOnly(repository, root.keys()))
        .open(root.repository(command));
  }

  /** Opens it for reading, also if some of its files are missing or damaged. */
  ChunkStore forLooking() throws StoreException {
    return RepositoryAccess.<ChunkStore>advising(
            repository -> Repositories.openDamaged(repository, root.keys()))
        .open(root.repository(command));
  }

  /** Does the same without asking for a key: of an encrypted one, only checksums can be checked. */
  ChunkStore forLookingWithoutKey() throws StoreException {
    return RepositoryAccess.<ChunkStore>advising(Repositories::openLocked)
        .open(root.repository(command));
  }

  /**
   * Opens it for this process alone. Where another one has it, waits for as long as {@code
   * --lock-wait} says.
   *
   * @throws RepositoryInUseException if it is still in use then
   */
  ChunkStore forWriting() throws StoreException, JobException, InterruptedException {
    return waiting(advising(repository -> Repositories.open(repository, root.keys())));
  }

  /** Does the same to forget, bring back or reclaim: also where no space is left. */
  ChunkStore forReclaiming() throws StoreException, JobException, InterruptedException {
    return waiting(advising(repository -> Repositories.openToReclaim(repository, root.keys())));
  }

  /** Opens it for this process alone, without asking for a key: an encrypted one cannot be. */
  ChunkStore forWritingWithoutKey() throws StoreException, JobException, InterruptedException {
    return waiting(advising(repository -> Repositories.open(repository, Unlocking.none())));
  }

  /** Opens its keys, as {@link #forWriting} opens the rest. */
  RepositoryKeys keys() throws StoreException, JobException, InterruptedException {
    return waiting(advising(repository -> Repositories.openKeys(repository, root.keys())));
  }

  /** Looks how its files can be repaired, as {@link #forWriting} opens it. */
  RepairPlan planRepair(RepairListener listener)
      throws StoreException, JobException, InterruptedException {
    return waiting(repository -> Repositories.planRepair(repository, listener));
  }

  /** Repairs its files, likewise. */
  RepairReport repair(RepairListener listener)
      throws StoreException, JobException, InterruptedException {
    return waiting(repository -> Repositories.repair(repository, listener));
  }

  @FunctionalInterface
  private interface Opener<T> {
    T open(Path repository) throws StoreException;
  }

  private <T> T waiting(Opener<T> opener)
      throws StoreException, JobException, InterruptedException {
    Duration wait = root.lockWait();
    long deadline = System.nanoTime() + wait.toNanos();
    for (boolean told = false; ; told = true) {
      try {
        return opener.open(root.repository(command));
      } catch (RepositoryInUseException e) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw e;
        }
        if (!told) {
          tell(e, wait);
        }
        pause(left);
      }
    }
  }

  /** What is damaged before anything is read is in the repository's files. */
  private static <T> Opener<T> advising(Opener<T> opener) {
    return repository -> {
      try {
        return opener.open(repository);
      } catch (DamagedException e) {
        throw new DamagedException(
            e.what(), e.ordinal(), e.reason() + ". What can be done shows: nbdvault repair", e);
      }
    };
  }

  private void pause(long nanosMax) throws JobException, InterruptedException {
    root.surroundings().cancellation().check();
    TimeUnit.NANOSECONDS.sleep(Math.min(nanosMax, TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS)));
    root.surroundings().cancellation().check();
  }

  private void tell(RepositoryInUseException inUse, Duration wait) {
    if (root.isJson()) {
      var json = JsonLines.event("waiting").put("seconds", wait.toSeconds());
      inUse.holderPid().ifPresent(pid -> json.put("pid", pid));
      new JsonLines(root.surroundings().out()).write(json);
    } else if (!root.isQuiet()) {
      PrintStream err = root.surroundings().err();
      err.println(
          JobException.sentence(inUse) + " Waiting for it, at most " + wait.toSeconds() + " s.");
      err.flush();
    }
  }
}
