package io.nbdvault.engine.qemu;

import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.qmp.PeerCredentials;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpOptions;
import io.nbdvault.qmp.block.BlockCommands;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A running QEMU that is ours to work on: connected, and locked against other runs. Closing lets go
 * of both.
 */
final class QemuConnection implements AutoCloseable {
  private final Path socket;
  private final QmpClient client;
  private final BlockCommands commands;
  private final List<VmLock> locks;
  private final Optional<HostProcess> process;

  private QemuConnection(
      Path socket, QmpClient client, List<VmLock> locks, Optional<HostProcess> process) {
    this.socket = socket;
    this.client = client;
    this.commands = new BlockCommands(client);
    this.locks = List.copyOf(locks);
    this.process = process;
  }

  /**
   * Locks and connects. The lock on the socket comes first, because QEMU lets a second client of a
   * monitor wait; the lock on the process then keeps apart runs that use different monitors.
   *
   * @throws JobException in one sentence, when there is no QEMU, somebody else is using its
   *     monitor, or another run holds the VM
   */
  static QemuConnection open(Path socket) throws JobException {
    Path absolute = absolute(socket);
    List<VmLock> locks = new ArrayList<>();
    QmpClient client = null;
    boolean opened = false;
    try {
      if (Files.exists(absolute)) {
        locks.add(VmLock.acquire("socket-" + UUID.nameUUIDFromBytes(bytes(absolute))));
      }
      client = connect(absolute);
      Optional<HostProcess> process = HostProcess.of(client.peer().pid());
      if (process.isPresent()) {
        locks.add(VmLock.acquire("qemu-" + process.get().pid() + "-" + process.get().startTicks()));
      }
      opened = true;
      return new QemuConnection(absolute, client, locks, process);
    } finally {
      if (!opened) {
        if (client != null) {
          client.close();
        }
        releaseAll(locks);
      }
    }
  }

  /** Connects to a program that we have started for ourselves, which nobody else can reach. */
  static QemuConnection openPrivate(Path socket) throws JobException {
    Path absolute = absolute(socket);
    QmpClient client = connect(absolute);
    return new QemuConnection(absolute, client, List.of(), HostProcess.of(client.peer().pid()));
  }

  private static Path absolute(Path socket) {
    try {
      return socket.toRealPath();
    } catch (IOException missing) {
      return socket.toAbsolutePath(); // Connecting says what is wrong with it.
    }
  }

  private static byte[] bytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static QmpClient connect(Path socket) throws JobException {
    try {
      return QmpClient.connect(socket, QmpOptions.defaults());
    } catch (QmpException e) {
      throw new JobException(JobException.Kind.FAILED, JobException.sentence(e), e);
    }
  }

  private static void releaseAll(List<VmLock> locks) throws JobException {
    for (VmLock lock : locks) {
      lock.close();
    }
  }

  QmpClient client() {
    return client;
  }

  /**
   * Whom QEMU runs as now. The socket tells who it was when it began to listen, which is before
   * {@code -runas} takes effect.
   */
  PeerCredentials owner() {
    return process.flatMap(HostProcess::owner).orElse(client.peer());
  }

  BlockCommands commands() {
    return commands;
  }

  /** Where the QMP socket lies, and so where QEMU may make another. */
  Path socketDirectory() {
    Path directory = socket.getParent();
    return directory == null ? Path.of("/") : directory;
  }

  Optional<String> processIdentity() {
    return process.map(HostProcess::identity);
  }

  /** Whether QEMU has ended, and not only our session with it. Waits a moment for it to be gone. */
  boolean isQemuGone() throws InterruptedException {
    if (client.isOpen()) {
      return false;
    }
    for (int attempt = 0; attempt < 100; attempt++) {
      if (process.isEmpty() || !process.get().isThere()) {
        return true;
      }
      Thread.sleep(20); // A process that was killed closes its sockets before it is gone.
    }
    return false;
  }

  /** A second session with the same QEMU, under the same locks, after the first was lost. */
  QmpClient reconnect() throws QmpException {
    return QmpClient.connect(socket, QmpOptions.defaults());
  }

  /** What QEMU's relative file names are relative to. */
  Optional<Path> workingDirectory() {
    return process
        .map(p -> Path.of("/proc", Long.toString(p.pid()), "cwd"))
        .filter(Files::isReadable)
        .flatMap(
            link -> {
              try {
                return Optional.of(link.toRealPath());
              } catch (IOException notAllowed) {
                return Optional.empty();
              }
            });
  }

  QemuCleaner cleaner(boolean hasGuest, EngineLimits limits, JobListener listener) {
    return new QemuCleaner(commands, hasGuest, limits.teardownTimeout(), listener);
  }

  @Override
  public void close() throws JobException {
    client.close();
    releaseAll(locks);
  }
}
