package io.nbdvault.engine.serve.overlay;

import io.nbdvault.chunkstore.SnapshotId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32C;

/**
 * A directory with overlays, a file for each disk of each snapshot that was written to. Its file
 * {@code lock} is locked while an overlay is made or given up; an overlay that is open is locked
 * itself, so that no second process has it.
 */
public final class OverlayDirectory {
  private static final String SUFFIX = ".overlay";
  private static final String PART = ".partial";
  private static final int NAME_BYTES_MAX = 120;

  /**
   * What this process has open, by real path. The system's locks are of a process: it would lose
   * one by opening and closing the file once more.
   */
  private static final Map<Path, OverlayHeader> OPEN = new ConcurrentHashMap<>();

  /** One thread of this process at a time. */
  private static final Object ALONE = new Object();

  private final Path directory;

  /**
   * @param directory must exist
   */
  public OverlayDirectory(Path directory) {
    this.directory = directory;
  }

  /** Where it is. */
  public Path path() {
    return directory;
  }

  /** Steps that exclude each other, in all processes. */
  private interface Step<T> {
    T run() throws IOException;
  }

  private <T> T alone(Step<T> step) throws IOException {
    synchronized (ALONE) {
      try (FileChannel channel =
          FileChannel.open(
              directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        FileLock unused = channel.lock(); // Until the channel is closed.
        return step.run();
      }
    }
  }

  /**
   * Opens the overlay of a disk, or makes it.
   *
   * @throws OverlayInUseException if it is open elsewhere
   * @throws DamagedOverlayException if it cannot be read, or lies over something else
   */
  public Overlay open(OverlayHeader wanted) throws IOException {
    Path path = directory.resolve(fileName(wanted.snapshot(), wanted.disk()));
    return alone(
        () -> {
          if (!Files.exists(path)) {
            create(path, wanted);
          }
          return openExisting(path, Optional.of(wanted));
        });
  }

  /** Opens an overlay by its file. */
  public Overlay open(Path path) throws IOException {
    return alone(() -> openExisting(path, Optional.empty()));
  }

  private static Overlay openExisting(Path path, Optional<OverlayHeader> wanted)
      throws IOException {
    Path key = path.toRealPath();
    FileChannel channel = lock(key);
    boolean opened = false;
    try {
      DurableFile file =
          new ChannelFile(channel, () -> OPEN.remove(key)); // The lock ends with the channel.
      Overlay overlay = Overlay.open(file);
      if (wanted.isPresent() && !wanted.get().equals(overlay.header())) {
        throw new DamagedOverlayException(
            "it lies over " + overlay.header() + " (expected: " + wanted.get() + ")");
      }
      OPEN.put(key, overlay.header());
      opened = true;
      return overlay;
    } catch (DamagedOverlayException e) {
      throw new DamagedOverlayException("overlay " + path + ": " + e.getMessage(), e);
    } finally {
      if (!opened) {
        channel.close();
      }
    }
  }

  private static FileChannel lock(Path key) throws IOException {
    OverlayInUseException inUse =
        new OverlayInUseException("overlay " + key + " is in use: by another server?");
    if (OPEN.containsKey(key)) {
      throw inUse;
    }
    FileChannel channel = FileChannel.open(key, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = channel.tryLock() != null;
    } finally {
      if (!locked) {
        channel.close();
      }
    }
    if (!locked) {
      throw inUse;
    }
    return channel;
  }

  private void create(Path path, OverlayHeader header) throws IOException {
    Path partial = path.resolveSibling(path.getFileName() + PART);
    Files.deleteIfExists(partial); // Of somebody who was killed: there is nothing in it yet.
    Files.createFile(
        partial,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
      long last = OverlayLayout.of(header).fileBytes() - 1;
      channel.write(ByteBuffer.allocate(1), last); // The length is for ever.
      Overlay.create(header, new ChannelFile(channel, () -> {}));
      channel.force(true);
    }
    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
    syncDirectory();
  }

  private void syncDirectory() throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** The files of overlays, whole or not, sorted by name. */
  public List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      entries.forEach(files::add);
    }
    files.sort(null);
    return files;
  }

  /**
   * What an overlay lies over, also while it is in use.
   *
   * @throws DamagedOverlayException if it cannot be read
   */
  public OverlayHeader header(Path path) throws IOException {
    OverlayHeader ours = OPEN.get(path.toRealPath());
    if (ours != null) {
      return ours;
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      ByteBuffer bytes = ByteBuffer.allocate(OverlayHeader.BYTES);
      new ChannelFile(channel, () -> {}).read(0, bytes);
      return OverlayHeader.decode(bytes.array());
    } catch (DamagedOverlayException e) {
      throw new DamagedOverlayException("overlay " + path + ": " + e.getMessage(), e);
    }
  }

  /** The files of the overlays over a snapshot. */
  public List<Path> filesOver(SnapshotId snapshot) throws IOException {
    return files().stream()
        .filter(file -> ("" + file.getFileName()).startsWith(snapshot.hex() + "."))
        .toList();
  }

  /**
   * Throws away what was written.
   *
   * @throws OverlayInUseException if it is open elsewhere
   */
  public void discard(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "there is no such overlay");
    }
    boolean unused =
        alone(
            () -> {
              try (FileChannel channel = lock(path.toRealPath())) {
                return channel.isOpen() && delete(path);
              }
            });
  }

  /** Throws away the file of an overlay that the caller has open, and closes afterwards. */
  public void delete(Path path, Overlay open) throws IOException {
    if (!header(path).equals(open.header())) {
      throw new IllegalArgumentException("overlay: " + path + " (expected: the open one)");
    }
    boolean unused = alone(() -> delete(path));
  }

  private boolean delete(Path path) throws IOException {
    Files.delete(path);
    syncDirectory();
    return true;
  }

  /** {@code SNAPSHOT.DISK.overlay}, with what might trouble a file system as {@code %XX}. */
  static String fileName(SnapshotId snapshot, String disk) {
    StringBuilder name = new StringBuilder();
    byte[] bytes = disk.getBytes(StandardCharsets.UTF_8);
    for (byte b : bytes) {
      boolean isPlain =
          (b >= 'a' && b <= 'z')
              || (b >= 'A' && b <= 'Z')
              || (b >= '0' && b <= '9')
              || b == '-'
              || b == '_';
      name.append(isPlain ? String.valueOf((char) b) : String.format("%%%02X", b));
    }
    if (name.length() > NAME_BYTES_MAX) {
      CRC32C crc = new CRC32C();
      crc.update(bytes);
      name.setLength(NAME_BYTES_MAX);
      name.append(String.format("%%%08x", crc.getValue()));
    }
    return snapshot.hex() + "." + name + SUFFIX;
  }
}
