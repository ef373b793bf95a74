package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Does anything to a repository, on several threads, while another one collects without end and
 * verifies now and then.
 */
final class RandomOperations {
  static final int WORKERS = 3;

  private final ChunkStore store;
  private final RandomModel model;
  private final AtomicInteger left;
  private final AtomicBoolean stop = new AtomicBoolean();
  private int collections;

  private RandomOperations(ChunkStore store, RandomModel model, int operations) {
    this.store = store;
    this.model = model;
    this.left = new AtomicInteger(operations);
  }

  /** Returns how many collections there were meanwhile. */
  static int run(
      ChunkStore store, RandomModel model, Consumer<String> journal, long seed, int operations)
      throws Exception {
    RandomOperations run = new RandomOperations(store, model, operations);
    ExecutorService threads = Executors.newFixedThreadPool(WORKERS + 1);
    try {
      Future<Void> collecting = threads.submit(() -> run.collect(new Random(seed)));
      List<Callable<Void>> workers = new ArrayList<>();
      for (int vm = 0; vm < WORKERS; vm++) {
        Random random = new Random(seed + 1 + vm);
        RandomWorker worker = new RandomWorker(store, model, journal, vm, random);
        workers.add(() -> run.work(worker));
      }
      for (Future<Void> worker : threads.invokeAll(workers)) {
        worker.get();
      }
      run.stop.set(true);
      collecting.get();
      return run.collections;
    } finally {
      threads.shutdownNow();
    }
  }

  /** In a process of its own, until it is killed: the repository, the model's lines, a seed. */
  public static void main(String[] args) throws Exception {
    RandomModel model = new RandomModel();
    Files.readAllLines(Path.of(args[1])).forEach(model::note);
    try (ChunkStore store = Repositories.open(Path.of(args[0]))) {
      run(
          store,
          model,
          line -> {
            model.note(line);
            say(line);
          },
          Long.parseLong(args[2]),
          Integer.MAX_VALUE);
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private Void work(RandomWorker worker) throws IOException {
    try {
      while (left.getAndDecrement() > 0 && !stop.get()) {
        worker.doSomething();
      }
      return null;
    } finally {
      if (left.get() > 0) {
        stop.set(true); // It has failed.
      }
    }
  }

  /** Not while a snapshot needs a node that is damaged, or content without a row. */
  private void collectIfItCanBe() throws StoreException {
    boolean wasHurt = model.isHurt();
    try {
      store.collect(CollectOptions.defaults(), CollectListener.silent());
      collections++;
    } catch (DamagedException e) {
      if (!wasHurt) {
        throw e;
      }
    }
  }

  private Void collect(Random random) throws IOException {
    try {
      while (!stop.get()) {
        collectIfItCanBe();
        if (random.nextInt(5) == 0) {
          boolean wasHurt = model.isHurt();
          VerifyReport report = store.verify(VerifyOptions.everything(1), progress -> true);
          assertThat(report.ranges().isEmpty() || wasHurt).as("%s", report).isTrue();
        }
      }
      return null;
    } finally {
      stop.set(true);
    }
  }
}
