package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every implementation of {@link ChunkStore} must say of two snapshots. */
@Timeout(60)
public abstract class ChunkStoreDiffContract extends ChunkStoreFixture {
  /** Notes what it is shown, as lines. */
  private static final class Notes implements DiffVisitor {
    private final List<String> lines = new ArrayList<>();

    @Override
    public boolean disk(String name, Optional<DiskRecord> from, Optional<DiskRecord> to) {
      lines.add(name + " " + size(from) + " " + size(to));
      return !name.equals("unwanted");
    }

    @Override
    public void range(long offsetBytes, long lengthBytes) {
      lines.add(offsetBytes + " " + lengthBytes);
    }

    private static String size(Optional<DiskRecord> disk) {
      return disk.map(record -> "" + record.sizeBytes()).orElse("-");
    }
  }

  @Test
  void showsTheRangesThatDifferOfDisksOfAllSizes() throws IOException {
    DiskImage disk = new DiskImage(300 * CHUNK, CHUNK);
    for (int chunk = 0; chunk < 300; chunk++) {
      disk.fill(chunk, 1 + chunk % 7);
    }
    try (ChunkStore store = open()) {
      SnapshotId first = backUp(store, disk, 0).id();
      disk.fill(3, 99);
      disk.fill(4, 98);
      disk.fill(200, 0);
      SnapshotId second = backUp(store, disk, 1).id();
      assertThat(diff(store, first, second))
          .containsExactly(
              "vda 19660800 19660800", 3L * CHUNK + " " + 2L * CHUNK, 200L * CHUNK + " " + CHUNK);
      assertThat(diff(store, second, second)).containsExactly("vda 19660800 19660800");

      SnapshotId grown = backUpGrown(store, 20_000);
      assertThat(diff(store, first, grown))
          .containsExactly("vda 19660800 1310720005", 20_000L * CHUNK + " 5");
      assertThat(diff(store, grown, first))
          .containsExactly("vda 1310720005 19660800", 20_000L * CHUNK + " 5");
    }
  }

  /** The disk as it was at first, followed by zeros and a chunk of 5 bytes. */
  private static SnapshotId backUpGrown(ChunkStore store, int chunks) throws IOException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      long sizeBytes = (long) chunks * CHUNK + 5;
      DiskTreeBuilder tree = session.newDisk(sizeBytes, NO_PARENT);
      for (int chunk = 0; chunk < 300; chunk++) {
        byte[] content = new byte[CHUNK];
        Arrays.fill(content, (byte) (1 + chunk % 7));
        tree.append(chunk, session.put(content, 0, CHUNK).join().id());
      }
      tree.append(chunks, session.put(new byte[] {1, 2, 3, 4, 5}, 0, 5).join().id());
      return commit(session, 2, TestRecords.disk("vda", sizeBytes, tree.finish().root())).id();
    }
  }

  @Test
  void showsDisksThatOnlyOneHasAndNoRangesOfThoseThatAreNotWanted() throws IOException {
    DiskImage one = new DiskImage(2 * CHUNK, CHUNK);
    one.fill(0, 1);
    DiskImage other = new DiskImage(2 * CHUNK, CHUNK);
    other.fill(1, 1);
    try (ChunkStore store = open()) {
      SnapshotId first;
      SnapshotId second;
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        DiskRecord gone = one.backUp(session, "gone", NO_PARENT);
        first = commit(session, 0, gone, one.backUp(session, "unwanted", NO_PARENT)).id();
      }
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        DiskRecord added = one.backUp(session, "added", NO_PARENT);
        second = commit(session, 1, other.backUp(session, "unwanted", NO_PARENT), added).id();
      }
      assertThat(diff(store, first, second))
          .containsExactly("added - 131072", "gone 131072 -", "unwanted 131072 131072");
    }
  }

  @Test
  void refusesSnapshotsThatAreNotThereAndPassesOnWhatTheVisitorThrows() throws IOException {
    DiskImage disk = new DiskImage(CHUNK, CHUNK);
    disk.fill(0, 1);
    try (ChunkStore store = open()) {
      SnapshotId kept = backUp(store, disk, 0).id();
      SnapshotId forgotten = backUp(store, disk, 1).id();
      store.forget(Set.of(forgotten));
      assertThatThrownBy(() -> diff(store, kept, forgotten))
          .isInstanceOf(NoSuchSnapshotException.class);
      assertThatThrownBy(() -> diff(store, SnapshotId.random(), kept))
          .isInstanceOf(NoSuchSnapshotException.class);
      IOException failure = new IOException("enough");
      DiffVisitor failing =
          new DiffVisitor() {
            @Override
            public boolean disk(String name, Optional<DiskRecord> from, Optional<DiskRecord> to)
                throws IOException {
              throw failure;
            }

            @Override
            public void range(long offsetBytes, long lengthBytes) {
              throw new AssertionError("not wanted");
            }
          };
      assertThatThrownBy(() -> store.diff(kept, kept, failing)).isSameAs(failure);
    }
  }

  private static List<String> diff(ChunkStore store, SnapshotId from, SnapshotId to)
      throws IOException {
    Notes notes = new Notes();
    store.diff(from, to, notes);
    return notes.lines;
  }
}
