package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a repair before each of the changes that it makes on disk. Whenever that is, the repository
 * is the damaged one or the repaired one, and repairing it again ends with everything whole.
 */
@Tag("long")
@Timeout(300)
class KilledRepairTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 20;
  private static final int KILLED = 9;

  /** More changes than a repair makes. */
  private static final int CHANGES_MAX = 60;

  @TempDir private Path temporary;

  @Test
  void losesNothingWhereverItIsKilled() throws Exception {
    int kills = 0;
    for (int change = 1; killedBefore(change, Family.INDEX); change++) {
      assertThat(change).isLessThan(CHANGES_MAX);
      kills++;
    }
    System.out.println("kills=" + kills);
    assertThat(kills).isGreaterThan(5);
  }

  /** Returns false if the repair came to its end before so many changes. */
  private boolean killedBefore(int change, Family lost) throws Exception {
    Path dir = temporary.resolve(lost + "-" + change);
    DamagedRepository repository = DamagedRepository.create(dir);
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    Random random = Seeds.random("killed repair");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    SnapshotRecord snapshot = repository.backUp(disk);
    for (Path table : repository.tables(lost)) {
      Files.delete(table);
    }
    Process child = ChildJvm.start(temporary, KilledRepairTest.class, dir.toString(), "" + change);
    assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(child.exitValue()).isIn(0, KILLED);
    openIfItCanBe(dir);
    Repositories.repair(dir, (what, done, expected) -> {});
    try (ChunkStore store = repository.open()) {
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    assertThat(dir.resolve("db.repairing")).doesNotExist();
    assertThat(dir.resolve("db.repaired")).doesNotExist();
    return child.exitValue() == KILLED;
  }

  private static void openIfItCanBe(Path dir) throws IOException {
    try {
      Repositories.open(dir).close();
    } catch (StoreException e) {
      assertThat(dir.resolve("db")).isDirectory();
    }
  }

  /** The child: repairs, and ends before the change of that number. */
  public static void main(String[] args) throws StoreException {
    AtomicInteger left = new AtomicInteger(Integer.parseInt(args[1]));
    Database.beforeChange =
        () -> {
          if (left.decrementAndGet() == 0) {
            Runtime.getRuntime().halt(KILLED);
          }
        };
    Repositories.repair(Path.of(args[0]), (what, done, expected) -> {});
  }
}
