package io.nbdvault.chunkstore.rocksdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.rocksdb.NativeLibraryLoader;
import org.rocksdb.RocksDB;

/**
 * RocksDB's native library. It is unpacked from its archive into a temporary directory, which is
 * taken away as soon as the library is loaded: RocksDB itself would do so at the end of the
 * process, and then every process that is killed leaves 17 MB behind.
 */
final class NativeLibrary {
  /** RocksDB's own setting, for machines where nothing in the temporary directory may be run. */
  private static final String DIRECTORY_SETTING = "ROCKSDB_SHAREDLIB_DIR";

  private NativeLibrary() {}

  /** Loads the library unless it is loaded. */
  static void load() {
    if (System.getenv(DIRECTORY_SETTING) == null) {
      unpackAndLoad();
    }
    RocksDB.loadLibrary();
  }

  private static void unpackAndLoad() {
    try {
      Path directory = Files.createTempDirectory("nbdvault-rocksdb");
      try {
        NativeLibraryLoader.getInstance().loadLibrary(directory.toString());
      } finally {
        delete(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("RocksDB's native library cannot be unpacked", e);
    }
  }

  private static void delete(Path directory) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }
}
