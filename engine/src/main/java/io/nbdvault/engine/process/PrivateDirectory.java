package io.nbdvault.engine.process;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory that only we may enter, for the sockets of programs that we start. Its path is short:
 * a socket's path has at most 107 bytes.
 *
 * <p>A lock file in it tells whether its process lives; the ones of killed processes are removed by
 * the next that makes one. The file gets its name when it is locked, so that one with that name and
 * no lock is a dead process's.
 */
public final class PrivateDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PrivateDirectory.class);
  private static final String PREFIX = "nbdvault-";
  private static final String LOCK = "lock";

  /**
   * Those of this process. POSIX drops a process's lock when the process closes any descriptor of
   * the file, so their locks must not even be looked at.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final FileChannel lock;

  private PrivateDirectory(Path path, FileChannel lock) {
    this.path = path;
    this.lock = lock;
  }

  public static PrivateDirectory create() throws IOException {
    Path path =
        Files.createTempDirectory(
            PREFIX,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    HELD.add(path);
    FileChannel lock = null;
    boolean created = false;
    try {
      Path unlocked = path.resolve(LOCK + ".new");
      lock = FileChannel.open(unlocked, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      FileLock unused = lock.lock();
      Files.move(unlocked, path.resolve(LOCK), StandardCopyOption.ATOMIC_MOVE);
      removeDead(path);
      created = true;
      return new PrivateDirectory(path, lock);
    } finally {
      if (!created) {
        remove(path, lock);
      }
    }
  }

  /** What cannot be removed now is in nobody's way, and the next run tries again. */
  private static void removeDead(Path own) {
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(own.resolveSibling("."), PREFIX + "*")) {
      for (Path other : found) {
        Path path = own.resolveSibling(other.getFileName());
        // Of a directory that is ours nobody else can put another in the place.
        if (!HELD.contains(path)
            && Files.isRegularFile(path.resolve(LOCK), LinkOption.NOFOLLOW_LINKS)
            && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
            && Files.getOwner(path, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(own))) {
          removeIfDead(path);
        }
      }
    } catch (IOException e) {
      LOG.debug("directory={} old ones cannot be removed", own, e);
    }
  }

  private static void removeIfDead(Path path) throws IOException {
    try (FileChannel lock = FileChannel.open(path.resolve(LOCK), StandardOpenOption.WRITE)) {
      FileLock acquired = lock.tryLock();
      if (acquired != null) {
        removeFiles(path);
      }
    }
  }

  public Path resolve(String name) {
    return path.resolve(name);
  }

  @Override
  public void close() throws IOException {
    remove(path, lock);
  }

  private static void remove(Path path, @Nullable FileChannel lock) throws IOException {
    try (lock) {
      removeFiles(path);
    } finally {
      HELD.remove(path);
    }
  }

  private static void removeFiles(Path path) throws IOException {
    List<Path> found;
    try (Stream<Path> files = Files.walk(path)) {
      found = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : found) {
      Files.deleteIfExists(file);
    }
  }
}
