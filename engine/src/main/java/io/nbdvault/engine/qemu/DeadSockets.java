package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * NBD sockets of ours whose QEMU was killed. The directory may be shared by several VMs, so a
 * socket goes only when nobody listens on it.
 */
final class DeadSockets {
  private DeadSockets() {}

  static void remove(Path directory, JobListener listener) throws JobException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "nbdv-*")) {
      for (Path file : files) {
        if (RunNames.hasRole(file.getFileName().toString(), RunNames.Role.SERVER)
            && isDead(file)
            && Files.deleteIfExists(file)) {
          listener.onEvent(new JobEvent.Removed("socket", file.toString()));
        }
      }
    } catch (IOException e) {
      throw JobException.failed("old sockets in " + directory + " cannot be removed", e);
    }
  }

  private static boolean isDead(Path socket) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.configureBlocking(false); // A stopped QEMU with a full backlog must not hold us up.
      var unused = channel.connect(UnixDomainSocketAddress.of(socket));
      return false;
    } catch (ConnectException refused) {
      return true;
    } catch (IOException somebodyElses) {
      // Not allowed, or gone meanwhile: another VM's, and its own run takes care of it.
      return false;
    }
  }
}
