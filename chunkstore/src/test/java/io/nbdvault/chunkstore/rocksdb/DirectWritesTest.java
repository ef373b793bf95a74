package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DirectIo;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectWritesTest {
  @TempDir private Path dir;

  @Test
  void rocksDbIsToldToWritePastThePageCacheWhereTheFileSystemTakesThat() throws IOException {
    Repositories.create(dir.resolve("repository"), RepositoryOptions.defaults());
    Path database = dir.resolve("repository/db");
    boolean taken = DirectIo.worksIn(database);

    try (ChunkStore store = Repositories.open(dir.resolve("repository"))) {
      assertThat(store.snapshots()).isEmpty();
      // RocksDB writes down what it was opened with.
      assertThat(newestOptions(database))
          .contains("use_direct_io_for_flush_and_compaction=" + taken)
          .contains("use_direct_reads=false");
    }
  }

  static String newestOptions(Path database) throws IOException {
    try (Stream<Path> files = Files.list(database)) {
      Path newest =
          files
              .filter(file -> file.getFileName().toString().startsWith("OPTIONS-"))
              .max(Comparator.naturalOrder())
              .orElseThrow();
      return Files.readString(newest);
    }
  }
}
