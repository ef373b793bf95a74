package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.process.Tool;
import io.nbdvault.qmp.PeerCredentials;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * The qcow2 overlay of one disk, which takes the old content of what the guest overwrites during a
 * backup. Its name says which image it is for, so that one left behind is found again.
 */
final class ScratchFile {
  private static final Duration CREATE_TIMEOUT = Duration.ofSeconds(30);
  private static final String SUFFIX = ".scratch.qcow2";
  private static final Set<String> MEMORY_FILESYSTEMS = Set.of("tmpfs", "ramfs");

  private final Path path;

  private ScratchFile(Path path) {
    this.path = path;
  }

  /**
   * Refuses a directory in which a guest would soon be hurt.
   *
   * @throws JobException when it is in memory, or has less than {@code freeBytesMin} free
   */
  static void checkDirectory(Path directory, long freeBytesMin) throws JobException {
    if (!Files.isDirectory(directory)) {
      throw JobException.badRequest("scratch directory " + directory + " does not exist");
    }
    try {
      FileStore store = Files.getFileStore(directory);
      if (MEMORY_FILESYSTEMS.contains(store.type())) {
        throw JobException.badRequest(
            "scratch directory "
                + directory
                + " is in memory ("
                + store.type()
                + "): name one on a disk with --scratch");
      }
      if (store.getUsableSpace() < freeBytesMin) {
        throw JobException.failed(
            "scratch directory "
                + directory
                + " has "
                + (store.getUsableSpace() >> 20)
                + " MiB free and a backup keeps "
                + (freeBytesMin >> 20)
                + " MiB free: name another one with --scratch");
      }
    } catch (IOException e) {
      throw JobException.failed("scratch directory " + directory + " cannot be used", e);
    }
  }

  /** What the names of an image's scratch files begin with. */
  private static String prefix(String image) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(image.getBytes(StandardCharsets.UTF_8));
      return ".nbdvault-" + HexFormat.of().formatHex(digest, 0, 6) + "-";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /**
   * Removes what killed runs left for this image. The VM's lock must be held, and no node of ours
   * may use the files any more.
   *
   * @return what was removed
   */
  static List<Path> removeLeftovers(Path directory, String image) throws JobException {
    List<Path> removed = new ArrayList<>();
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(directory, prefix(image) + "*" + SUFFIX)) {
      for (Path leftover : found) {
        if (Files.deleteIfExists(leftover)) {
          removed.add(leftover);
        }
      }
      return removed;
    } catch (IOException e) {
      throw JobException.failed("old scratch files in " + directory + " cannot be removed", e);
    }
  }

  /**
   * Creates an overlay that only QEMU's user may open.
   *
   * @param image the disk's top image, which names the file
   * @param sizeBytes the disk's size
   * @param owner whom QEMU runs as
   */
  static ScratchFile create(
      Path directory, String image, RunNames names, long sizeBytes, PeerCredentials owner)
      throws JobException, InterruptedException {
    Path path =
        directory
            .toAbsolutePath()
            .resolve(prefix(image) + names.snapshotId().hex().substring(0, 16) + SUFFIX);
    boolean created = false;
    try {
      Files.createFile(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Tool.run(
          "qemu-img",
          List.of("create", "-q", "-f", "qcow2", "--", path.toString(), Long.toString(sizeBytes)),
          CREATE_TIMEOUT);
      giveTo(path, owner);
      created = true;
      return new ScratchFile(path);
    } catch (IOException e) {
      throw JobException.failed("scratch file " + path + " cannot be created", e);
    } finally {
      if (!created) {
        new ScratchFile(path).remove();
      }
    }
  }

  /** Makes a file QEMU's, where that is another user. */
  static void giveTo(Path path, PeerCredentials owner) throws IOException {
    long uid = ((Number) Files.getAttribute(path, "unix:uid")).longValue();
    if (uid != owner.uid()) {
      Files.setAttribute(path, "unix:gid", (int) owner.gid());
      Files.setAttribute(path, "unix:uid", (int) owner.uid());
    }
  }

  Path path() {
    return path;
  }

  /** Free bytes of the file's filesystem. */
  long freeBytes() throws IOException {
    return Files.getFileStore(path).getUsableSpace();
  }

  void remove() throws JobException {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw JobException.failed("scratch file " + path + " cannot be removed", e);
    }
  }
}
