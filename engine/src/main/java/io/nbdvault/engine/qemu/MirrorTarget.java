package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.process.Tool;
import io.nbdvault.qmp.PeerCredentials;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The file that a disk of a running VM moves to. It has its final name from the start, since QEMU
 * knows an open file by that name for good. What it is worth is told by a mark, a file beside it
 * ({@code docs/decisions/0019-marks-beside-a-moving-disk.md}):
 *
 * <pre>
 * NAME.nbdvault-copying     not complete, and nobody's only copy: whoever finds it may remove both
 * NAME.nbdvault-switching   QEMU has been told to use it: perhaps it holds the guest's last writes
 * neither                   complete
 * </pre>
 *
 * <p>A mark has the file's inode in it, so that it says nothing about another file of that name,
 * and the names of the nodes that the disk was on.
 */
public final class MirrorTarget {
  private static final Duration CREATE_TIMEOUT = Duration.ofSeconds(30);
  private static final int MARK_BYTES_MAX = 64 << 10;
  private static final String INODE = "inode ";
  private static final String NODE = "node ";

  private final Path path;
  private final List<String> oldNodes;
  private State state;

  /** What a mark says. */
  enum State {
    COPYING(".nbdvault-copying"),
    SWITCHING(".nbdvault-switching");

    private final String suffix;

    State(String suffix) {
      this.suffix = suffix;
    }
  }

  private MirrorTarget(Path path, List<String> oldNodes, State state) {
    this.path = path;
    this.oldNodes = List.copyOf(oldNodes);
    this.state = state;
  }

  /**
   * Creates a sparse image that only QEMU's user may open. Its name and its mark are durable once
   * this returns.
   *
   * @param path absolute; must not exist
   * @param oldNodes of the block graph, on which the disk was until now
   * @param owner whom QEMU runs as
   */
  static MirrorTarget create(
      Path path, String format, long sizeBytes, List<String> oldNodes, PeerCredentials owner)
      throws JobException, InterruptedException {
    MirrorTarget target = new MirrorTarget(path, oldNodes, State.COPYING);
    boolean created = false;
    try {
      Files.createFile(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      try {
        target.writeMark();
        Tool.run(
            "qemu-img",
            List.of("create", "-q", "-f", format, "--", path.toString(), "" + sizeBytes),
            CREATE_TIMEOUT);
        ScratchFile.giveTo(path, owner);
        created = true;
        return target;
      } finally {
        if (!created) {
          target.remove();
        }
      }
    } catch (IOException e) {
      throw JobException.failed(path + " cannot be created", e);
    }
  }

  /** Whether a file is what a run that was killed has left before it was complete. */
  public static boolean isIncomplete(Path path) throws JobException {
    return find(path.toAbsolutePath()).filter(t -> t.state == State.COPYING).isPresent();
  }

  /** Whether a file may hold the last writes of a guest whose disk was being switched to it. */
  public static boolean isUndecided(Path path) throws JobException {
    return find(path.toAbsolutePath()).filter(t -> t.state == State.SWITCHING).isPresent();
  }

  /** Removes a file to make room for another, and what marks there are beside it. */
  public static void clear(Path path) throws JobException {
    new MirrorTarget(path.toAbsolutePath(), List.of(), State.COPYING).remove();
  }

  /** The file, if there is a mark beside it that is about it. */
  static Optional<MirrorTarget> find(Path path) throws JobException {
    try {
      for (State state : State.values()) {
        Path mark = mark(path, state);
        if (Files.isRegularFile(mark, LinkOption.NOFOLLOW_LINKS)
            && Files.size(mark) <= MARK_BYTES_MAX
            && Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
          List<String> lines = Files.readAllLines(mark);
          if (lines.contains(INODE + inode(path))) {
            Stream<String> nodes = lines.stream().filter(line -> line.startsWith(NODE));
            return Optional.of(
                new MirrorTarget(path, nodes.map(n -> n.substring(NODE.length())).toList(), state));
          }
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      throw JobException.failed("what became of " + path + " cannot be told", e);
    }
  }

  private static long inode(Path path) throws IOException {
    return ((Number) Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS)).longValue();
  }

  private static Path mark(Path path, State state) {
    return path.resolveSibling(path.getFileName() + state.suffix);
  }

  private void writeMark() throws IOException {
    StringBuilder text =
        new StringBuilder("nbdvault restore --live is moving a running VM's disk to this file\n");
    text.append(INODE).append(inode(path)).append('\n');
    oldNodes.forEach(node -> text.append(NODE).append(node).append('\n'));
    Files.deleteIfExists(mark(path, State.SWITCHING));
    try (FileChannel channel =
        FileChannel.open(
            mark(path, state),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    syncDirectory();
  }

  private void syncDirectory() throws IOException {
    Path directory = path.getParent();
    if (directory != null) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  Path path() {
    return path;
  }

  List<String> oldNodes() {
    return oldNodes;
  }

  boolean isSwitching() {
    return state == State.SWITCHING;
  }

  /** From here on nobody removes the file unasked; durable once this returns. */
  void switching() throws JobException {
    try {
      Files.move(
          mark(path, State.COPYING), mark(path, State.SWITCHING), StandardCopyOption.ATOMIC_MOVE);
      state = State.SWITCHING;
      syncDirectory();
    } catch (IOException e) {
      throw JobException.failed("the mark beside " + path + " cannot be changed", e);
    }
  }

  /** The VM uses the file; what it holds was made durable by QEMU before that. */
  void completed() throws JobException {
    try {
      for (State each : State.values()) {
        Files.deleteIfExists(mark(path, each));
      }
      syncDirectory();
    } catch (IOException e) {
      throw JobException.failed("the mark beside " + path + " cannot be removed", e);
    }
  }

  /** The VM does not use the file, and never has. */
  void remove() throws JobException {
    try {
      Files.deleteIfExists(path);
      for (State each : State.values()) {
        Files.deleteIfExists(mark(path, each));
      }
    } catch (IOException e) {
      throw JobException.failed(path + " cannot be removed", e);
    }
  }
}
