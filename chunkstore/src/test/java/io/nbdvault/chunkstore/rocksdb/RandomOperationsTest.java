package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Backups, restores, and decisions about snapshots on several threads, collections beside them all
 * the time, and in between the store is closed, or its process killed, and something is damaged, or
 * repaired, or healed. Ends after some seconds, or after {@code -Dnbdvault.random.operations=N}.
 */
@Tag("long")
class RandomOperationsTest {
  private static final Duration LIMIT = Duration.ofSeconds(12);
  private static final int OPERATIONS = Integer.getInteger("nbdvault.random.operations", 0);
  private static final int ROUND_OPERATIONS = 60;
  private static final int LIFE_MILLIS_MAX = 1500;

  @TempDir private Path temporary;
  private Path dir = Path.of("");
  private final RandomModel model = new RandomModel();
  private final Random random = Seeds.random("random operations");
  private int operations;
  private int collections;
  private int kills;

  @Test
  @Timeout(7200)
  void holdsWhatTheModelHoldsWhateverIsDoneToIt() throws Exception {
    dir = temporary.resolve("repository");
    RandomDamage damage = new RandomDamage(dir, model, random);
    Repositories.create(dir, new RepositoryOptions(RandomModel.CHUNK, Compression.LZ4));
    long deadline = System.nanoTime() + LIMIT.toNanos();
    for (int round = 0; goesOn(deadline); round++) {
      if (round % 4 == 3) {
        runAndKill();
      } else {
        runAndClose();
      }
      try (ChunkStore store = Repositories.open(dir)) {
        model.check(store);
      }
      if (damage.damages() == 0) {
        Inspection found = Inspection.of(dir, RandomModel.CHUNK);
        assertThat(found.danglingRows()).isEmpty();
        assertThat(found.rows().keySet()).containsAll(found.reachable());
      }
      damageOrHeal(damage, round);
    }
    System.out.printf(
        "operations=%d collections=%d kills=%d damages=%d repairs=%d%n",
        operations, collections, kills, damage.damages(), damage.repairs());
    assertThat(collections).isPositive();
    damage.heal();
    damage.repair();
    assertThat(Inspection.unreliable(dir, RandomModel.CHUNK)).isEmpty();
    checkThatNothingIsLeft();
  }

  /** In turn: so that some of what comes next runs beside damage, and some does not. */
  private void damageOrHeal(RandomDamage damage, int round) throws Exception {
    if (round % 3 == 2) {
      damage.heal();
      assertThat(Inspection.unreliable(dir, RandomModel.CHUNK)).isEmpty();
    } else if (random.nextInt(3) > 0) {
      damage.damage();
    }
  }

  private boolean goesOn(long deadline) {
    return OPERATIONS > 0 ? operations < OPERATIONS : System.nanoTime() < deadline;
  }

  private void runAndClose() throws Exception {
    try (ChunkStore store = Repositories.open(dir)) {
      collections +=
          RandomOperations.run(store, model, model::note, random.nextLong(), ROUND_OPERATIONS);
    }
    operations += ROUND_OPERATIONS;
  }

  private void runAndKill() throws Exception {
    Path lines = Files.write(temporary.resolve("model"), model.lines());
    String seed = Long.toString(random.nextLong());
    Process process =
        ChildJvm.start(temporary, RandomOperations.class, dir.toString(), lines.toString(), seed);
    try (BufferedReader says = process.inputReader()) {
      String line = says.readLine();
      assertThat(line).as("what the child says").isNotNull();
      model.note(line);
      Thread.sleep(random.nextInt(LIFE_MILLIS_MAX));
      assertThat(process.toHandle().destroyForcibly()).isTrue();
      String last = line;
      for (line = says.readLine(); line != null; line = says.readLine()) {
        if (isWhole(line)) {
          model.note(line);
          operations += line.startsWith("done") ? 1 : 0;
        }
        last = line;
      }
      assertThat(last).isNotEmpty();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    kills++;
  }

  /** A line of less is the last one, cut: then what it was about had not begun, or is in doubt. */
  private static boolean isWhole(String line) {
    String[] words = line.split(" ", -1);
    if (words.length < 3 || words[2].length() != 32) {
      return false;
    }
    return !line.startsWith("begin commit") || line.endsWith(" end");
  }

  private void checkThatNothingIsLeft() throws StoreException {
    collectTwice();
    Inspection left = Inspection.of(dir, RandomModel.CHUNK);
    assertThat(left.records().keySet()).containsExactlyInAnyOrderElementsOf(left.rows().values());
    long all = left.records().values().stream().mapToLong(Integer::longValue).sum();
    assertThat(left.reachableBytes()).isGreaterThanOrEqualTo(all * 9 / 10);
    try (ChunkStore store = Repositories.open(dir)) {
      for (SnapshotRecord snapshot : store.snapshots()) {
        store.setProtected(snapshot.id(), false);
        store.forget(Set.of(snapshot.id()));
      }
    }
    collectTwice();
    Inspection nothing = Inspection.of(dir, RandomModel.CHUNK);
    assertThat(nothing.records()).isEmpty();
    assertThat(nothing.rows()).isEmpty();
  }

  private void collectTwice() throws StoreException {
    try (ChunkStore store = Repositories.open(dir)) {
      for (int i = 0; i < 2; i++) {
        store.collect(CollectOptions.defaults(), CollectListener.silent());
      }
    }
  }
}
