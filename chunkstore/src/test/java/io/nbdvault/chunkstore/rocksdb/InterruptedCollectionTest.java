package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.TestRecords;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class InterruptedCollectionTest {
  private static final int CHUNK = 16 << 10;

  @TempDir private Path temporary;

  @AfterEach
  void leaveChangesAlone() {
    Database.beforeChange = () -> {};
  }

  /**
   * The collection is interrupted while the snapshot is being condemned on the writer's thread: if
   * it then ended before that is done, the snapshot could be brought back in between, and the next
   * collection would take it apart.
   */
  @Test
  void bringsNothingBackThatIsStillBeingCondemned() throws Exception {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, new RepositoryOptions(CHUNK, Compression.LZ4));
    DiskImage disk = new DiskImage(CHUNK, CHUNK);
    disk.fill(0, 'x');
    SnapshotId id;
    boolean back;
    try (ChunkStore store = Repositories.open(dir)) {
      id = backUp(store, disk);
      store.forget(Set.of(id));
      CountDownLatch condemning = new CountDownLatch(1);
      CountDownLatch ended = new CountDownLatch(1);
      Thread collection = new Thread(() -> collectInterrupted(store, ended), "collection");
      Database.beforeChange =
          () -> {
            if (Files.exists(dir.resolve("marks")) && condemning.getCount() > 0) {
              collection.interrupt();
              condemning.countDown();
              pause();
            }
          };
      collection.start();
      assertThat(condemning.await(20, TimeUnit.SECONDS)).isTrue();
      // Time for it to end too early, if it does.
      boolean unused = ended.await(300, TimeUnit.MILLISECONDS);
      back = bringBack(store, id);
      collection.join();
    }
    try (ChunkStore store = Repositories.open(dir)) {
      store.collect(CollectOptions.defaults(), CollectListener.silent());
      if (back) {
        assertThat(read(store, id)).isEqualTo(disk.bytes());
      } else {
        assertThat(store.catalog()).isEmpty();
      }
    }
  }

  private static void collectInterrupted(ChunkStore store, CountDownLatch ended) {
    assertThatThrownBy(() -> store.collect(CollectOptions.defaults(), CollectListener.silent()))
        .isInstanceOf(StoreFailedException.class);
    ended.countDown();
  }

  private static void pause() {
    try {
      Thread.sleep(1000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean bringBack(ChunkStore store, SnapshotId id) throws StoreException {
    try {
      store.undelete(id);
      return true;
    } catch (NoSuchSnapshotException e) {
      return false;
    }
  }

  private static SnapshotId backUp(ChunkStore store, DiskImage disk) throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      var vda = disk.backUp(session, "vda", Optional.empty());
      session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
      return session.snapshotId();
    }
  }

  private static byte[] read(ChunkStore store, SnapshotId id) throws IOException {
    try (SnapshotReader reader = store.open(id)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }
}
