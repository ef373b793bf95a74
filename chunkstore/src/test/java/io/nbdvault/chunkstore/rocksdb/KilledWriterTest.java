package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("long")
@Timeout(120)
class KilledWriterTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int KILLS_MAX = 25;
  private static final int LIFE_MILLIS_MAX = 500;

  @TempDir private Path temporary;

  private final Set<SnapshotId> done = new HashSet<>();

  /** Content by ordinal, over all processes. */
  private final Map<Long, IndexKey> ordinals = new HashMap<>();

  private long firstFreeOrdinal = 1;

  @Test
  void holdsExactlyTheCommittedSnapshotsWheneverItsProcessIsKilled() throws Exception {
    Random random = Seeds.random("killed writer");
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, new RepositoryOptions(CommitLoop.CHUNK, Compression.LZ4));
    long deadline = System.nanoTime() + LIMIT.toNanos();
    int kills = 0;
    while (kills < KILLS_MAX && System.nanoTime() < deadline) {
      Set<SnapshotId> inDoubt = runAndKill(dir, random.nextInt(LIFE_MILLIS_MAX));
      kills++;
      checkSnapshots(dir, inDoubt);
      checkOrdinals(dir);
    }
    System.out.println("kills=" + kills + " snapshots=" + done.size());
    assertThat(kills).isGreaterThanOrEqualTo(3);
    assertThat(done).isNotEmpty();
  }

  /** Returns the snapshot that may or may not have been committed when the process was killed. */
  private Set<SnapshotId> runAndKill(Path dir, int lifeMillis) throws Exception {
    Process process = ChildJvm.start(temporary, CommitLoop.class, dir.toString());
    Set<SnapshotId> inDoubt = new HashSet<>();
    try (BufferedReader says = process.inputReader()) {
      // One of four dies while it starts. The life of the others begins with the first commit, for
      // starting takes several times as long.
      if (lifeMillis % 4 != 0) {
        note(says.readLine(), inDoubt);
      }
      Thread.sleep(lifeMillis);
      // Through the handle, which leaves what the process has said to be read.
      assertThat(process.toHandle().destroyForcibly()).isTrue();
      for (String line = says.readLine(); line != null; line = says.readLine()) {
        note(line, inDoubt);
      }
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    return inDoubt;
  }

  private void note(String line, Set<SnapshotId> inDoubt) {
    assertThat(line).as("what the child says").isNotNull();
    String[] words = line.split(" ", -1);
    if (words.length < 2 || words[1].length() != 32) {
      return; // Killed in the middle of a line, which can only be "done" after its "begin".
    }
    SnapshotId id = new SnapshotId(words[1]);
    if (words[0].equals("begin")) {
      inDoubt.add(id);
    } else {
      inDoubt.remove(id);
      done.add(id);
    }
  }

  private void checkSnapshots(Path dir, Set<SnapshotId> inDoubt) throws IOException {
    assertThat(inDoubt).hasSizeLessThanOrEqualTo(1);
    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      List<SnapshotRecord> found = store.snapshots();
      Set<SnapshotId> ids = new HashSet<>();
      found.forEach(record -> ids.add(record.id()));
      assertThat(ids).containsAll(done);
      ids.removeAll(done);
      assertThat(inDoubt).containsAll(ids);
      done.addAll(ids);
      byte[] expected = new byte[(int) CommitLoop.SIZE_BYTES];
      for (int i = 0; i < found.size(); i++) {
        apply(found.get(i).id(), expected);
        // The last ones always, since they were made last; the others now and then.
        if (i >= found.size() - 3 || i % 20 == 0) {
          try (SnapshotReader reader = store.open(found.get(i).id())) {
            assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(expected);
          }
        }
      }
    }
  }

  private static void apply(SnapshotId id, byte[] disk) {
    for (int place : CommitLoop.places(id)) {
      System.arraycopy(
          CommitLoop.content(id, place), 0, disk, place * CommitLoop.CHUNK, CommitLoop.CHUNK);
    }
  }

  /** No ordinal changes its content, none is below the lease of its process, no row dangles. */
  private void checkOrdinals(Path dir) throws Exception {
    Map<Long, IndexKey> now = new HashMap<>();
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_ONLY)) {
      database.forEach(
          Family.INDEX, (key, row) -> now.put(decodeRow(row).ordinal(), decodeKey(key)));
      Set<Long> records = new HashSet<>();
      database.forEach(Family.CHUNK, (key, value) -> records.add(decodeOrdinal(key)));
      assertThat(records).isEqualTo(now.keySet());
      assertThat(now).containsAllEntriesOf(ordinals);
      long lease = firstFreeOrdinal;
      assertThat(now.keySet())
          .filteredOn(ordinal -> !ordinals.containsKey(ordinal))
          .allMatch(ordinal -> ordinal >= lease, "is not below " + lease);
      firstFreeOrdinal = Counter.NEXT_ORDINAL.read(database);
      ordinals.putAll(now);
    }
  }

  private static IndexRow decodeRow(byte[] row) {
    try {
      return IndexRow.decode(row);
    } catch (MalformedRecordException e) {
      throw new AssertionError(e);
    }
  }

  private static IndexKey decodeKey(byte[] key) {
    try {
      return IndexKey.decode(key);
    } catch (MalformedRecordException e) {
      throw new AssertionError(e);
    }
  }

  private static long decodeOrdinal(byte[] key) {
    try {
      return OrdinalKey.decode(key);
    } catch (MalformedRecordException e) {
      throw new AssertionError(e);
    }
  }
}
