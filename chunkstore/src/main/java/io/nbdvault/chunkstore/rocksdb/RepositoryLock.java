package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a repository for one process. The lock is the operating system's, so it ends with the
 * process however that ends; what the file says is only for messages.
 *
 * <p>POSIX drops a process's lock when the process closes any descriptor of the file. So a file
 * that this process has locked must not be opened by it again, not even to look: {@link #HELD} is
 * asked first.
 */
final class RepositoryLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RepositoryLock.class);

  /** The lock files that this process holds. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private static final int PID_DIGITS_MAX = 20;

  private final Path file;
  private final FileChannel channel;

  private RepositoryLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static RepositoryLock acquire(RepositoryDirectory directory) throws StoreException {
    String location = directory.location();
    try {
      Path file = new RepositoryDirectory(directory.dir().toRealPath()).lock();
      if (!HELD.add(file)) {
        throw new RepositoryInUseException(
            location, OptionalLong.of(ProcessHandle.current().pid()));
      }
      boolean acquired = false;
      try {
        RepositoryLock lock = lock(location, file);
        acquired = true;
        return lock;
      } finally {
        if (!acquired) {
          HELD.remove(file);
        }
      }
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw StoreErrors.of(location, "locking it", e);
    }
  }

  private static RepositoryLock lock(String location, Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw new RepositoryInUseException(location, holderPid(channel));
      }
      locked = true;
      writePid(channel);
      return new RepositoryLock(file, channel);
    } finally {
      if (!locked) {
        channel.close();
      }
    }
  }

  private static void writePid(FileChannel channel) {
    try {
      channel.truncate(0);
      String pid = ProcessHandle.current().pid() + "\n";
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
    } catch (IOException e) {
      // On a full file system, for one, it is locked all the same.
      LOG.warn("lock=without-pid", e);
    }
  }

  /** What the holder wrote; empty if it has not got that far. */
  private static OptionalLong holderPid(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(PID_DIGITS_MAX);
    channel.read(text, 0);
    String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    boolean number =
        !pid.isEmpty() && pid.length() < 19 && pid.chars().allMatch(Character::isDigit);
    return number ? OptionalLong.of(Long.parseLong(pid)) : OptionalLong.empty();
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // The lock goes with the descriptor, which is gone whatever close() says.
      LOG.warn("lock={} close failed", file, e);
    } finally {
      HELD.remove(file);
    }
  }
}
