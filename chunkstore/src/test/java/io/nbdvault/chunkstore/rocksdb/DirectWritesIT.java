package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DirectIo;
import io.nbdvault.chunkstore.Repositories;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of ext4 it is known that it takes writes past the page cache: there they must not go missing. */
class DirectWritesIT {
  private static final long MIB = 1 << 20;

  @TempDir private Path dir;

  @Test
  void onExt4FilesAreOpenedPastThePageCache() throws IOException {
    try (LoopFileSystem files = LoopFileSystem.make(dir.resolve("image"), 64 * MIB, "defaults")) {
      assertThat(DirectIo.worksIn(files.root())).isTrue();
      Path file = Files.createFile(files.root().resolve("file"));
      try (FileChannel channel = DirectIo.open(file, StandardOpenOption.WRITE).orElse(null)) {
        assertThat(channel).isNotNull();
      }
    }
  }

  @Test
  void onExt4RocksDbWritesPastThePageCache() throws IOException {
    try (LoopFileSystem files = LoopFileSystem.make(dir.resolve("image"), 256 * MIB, "defaults")) {
      DamagedRepository repository = DamagedRepository.create(files.root().resolve("repository"));
      try (ChunkStore store = repository.open()) {
        assertThat(store.snapshots()).isEmpty();
        assertThat(DirectWritesTest.newestOptions(repository.databaseDir()))
            .contains("use_direct_io_for_flush_and_compaction=true");
      }
    }
  }

  @Test
  void aFullFileSystemCanBeOpenedToReclaimAllTheSame() throws IOException {
    try (LoopFileSystem files = LoopFileSystem.make(dir.resolve("image"), 256 * MIB, "defaults")) {
      DamagedRepository repository = DamagedRepository.create(files.root().resolve("repository"));
      try (ChunkStore store = repository.open()) {
        assertThat(store.snapshots()).isEmpty();
      }
      fill(files.root().resolve("filler"));
      try (ChunkStore store = Repositories.openToReclaim(repository.dir())) {
        var unused = store.collect(CollectOptions.defaults(), CollectListener.silent());
      }
    }
  }

  private static void fill(Path filler) throws IOException {
    byte[] block = new byte[4096];
    try (RandomAccessFile file = new RandomAccessFile(filler.toFile(), "rw")) {
      while (true) {
        file.write(block);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }
}
