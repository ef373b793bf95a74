package io.nbdvault.cli;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Adds up the files of a repository, its reserve and its quarantine included. */
final class RepositorySize {
  private RepositorySize() {}

  /** The sum in bytes. Files come and go beside a backup: those that are gone count nothing. */
  static long bytes(Path repository) throws IOException {
    long[] sum = new long[1];
    Files.walkFileTree(
        repository,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            sum[0] += attributes.isRegularFile() ? attributes.size() : 0;
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
          }
        });
    return sum[0];
  }
}
