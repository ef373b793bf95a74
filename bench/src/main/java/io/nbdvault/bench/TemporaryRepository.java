package io.nbdvault.bench;

import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A repository for one trial, in the directory for temporary files. */
final class TemporaryRepository implements AutoCloseable {
  private final Path directory;

  /** Makes one that is empty, with the options that are the default. */
  TemporaryRepository() throws IOException {
    directory = Files.createTempDirectory("nbdvault-bench-");
    Repositories.create(path(), RepositoryOptions.defaults());
  }

  /** Where it is. */
  Path path() {
    return directory.resolve("repository");
  }

  /** Deletes it. */
  @Override
  public void close() throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.walk(directory)) {
      files = found.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
