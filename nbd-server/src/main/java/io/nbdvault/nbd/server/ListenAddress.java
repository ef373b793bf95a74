package io.nbdvault.nbd.server;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a server listens. */
public sealed interface ListenAddress {
  /** The port of NBD (IANA). */
  int DEFAULT_PORT = 10809;

  /**
   * A unix socket that the server makes, for its own user alone.
   *
   * @param socket at most 107 bytes long
   */
  record Unix(Path socket) implements ListenAddress {
    @Override
    public String toString() {
      return "unix:" + socket;
    }
  }

  /**
   * A TCP port.
   *
   * @param address resolved; port 0 for any
   */
  record Tcp(InetSocketAddress address) implements ListenAddress {
    @Override
    public String toString() {
      String host = address.getAddress().getHostAddress();
      return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }
  }

  /** The socket that systemd has opened for this process (sd_listen_fds(3)). */
  record Activated() implements ListenAddress {
    @Override
    public String toString() {
      return "the socket that systemd has passed on";
    }
  }

  /**
   * Reads {@code unix:PATH}, {@code HOST:PORT}, {@code [ADDRESS]:PORT} or {@code HOST}; looks the
   * host up.
   *
   * @throws IllegalArgumentException if it is none of these, or there is no such host
   */
  static ListenAddress parse(String text) {
    if (text.startsWith("unix:")) {
      String path = text.substring("unix:".length());
      if (path.isEmpty()) {
        throw new IllegalArgumentException("'" + text + "': the socket's path is missing");
      }
      return new Unix(Path.of(path));
    }
    Matcher matcher = Pattern.compile("(\\[[^\\]]+\\]|[^:]+)(?::(\\d{1,5}))?").matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + text + "' (expected: unix:PATH or HOST:PORT)");
    }
    int port = matcher.group(2) == null ? DEFAULT_PORT : Integer.parseInt(matcher.group(2));
    if (port > 0xffff) {
      throw new IllegalArgumentException("'" + text + "': port: " + port + " (expected: <= 65535)");
    }
    try {
      return new Tcp(new InetSocketAddress(InetAddress.getByName(matcher.group(1)), port));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("'" + text + "': unknown host", e);
    }
  }
}
