package io.nbdvault.nbd.server;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/** The file of a unix socket: makes way for it, and makes it its owner's alone. */
final class UnixSocketFile {
  /** What sockaddr_un has room for (unix(7)). */
  private static final int PATH_BYTES_MAX = 107;

  private static final Set<PosixFilePermission> OWNER_ONLY =
      Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private UnixSocketFile() {}

  /**
   * Deletes a socket that nobody listens on any more.
   *
   * @throws BindException if somebody does, or it is no socket, or the path is too long
   */
  static void makeWay(Path socket) throws IOException {
    int bytes = socket.toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > PATH_BYTES_MAX) {
      throw new BindException(
          socket + ": " + bytes + " bytes are too long (expected: <= " + PATH_BYTES_MAX + ")");
    }
    BasicFileAttributes attributes;
    try {
      attributes =
          Files.readAttributes(socket, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return;
    }
    if (!attributes.isOther()) {
      throw new BindException(socket + ": there is a file that is no socket");
    }
    try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      throw new BindException(socket + ": a server listens there already, " + probe);
    } catch (ConnectException e) {
      Files.deleteIfExists(socket);
    }
  }

  /** Lets only the owner connect; for a descriptor in /proc before it is bound, or the socket. */
  static void makePrivate(Path socket) throws IOException {
    Files.setPosixFilePermissions(socket, OWNER_ONLY);
  }
}
