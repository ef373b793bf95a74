package io.nbdvault.nbd;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where an NBD export is: {@code nbd://HOST[:PORT]/EXPORT} or {@code
 * nbd+unix:///EXPORT?socket=PATH} (NBD project, uri.md).
 *
 * @param endpoint the server's address
 * @param exportName the export's name, at most 4096 bytes of UTF-8 without NUL; empty for the
 *     server's default export
 */
public record NbdUri(Endpoint endpoint, String exportName) {
  /** The port IANA gave to NBD. */
  public static final int DEFAULT_PORT = 10809;

  private static final int NAME_BYTES_MAX = 4096;
  private static final int SOCKET_PATH_BYTES_MAX = 107;

  /** A server's address. */
  public sealed interface Endpoint {
    /**
     * A unix domain socket.
     *
     * @param socket at most 107 bytes, the kernel's limit
     */
    record Unix(Path socket) implements Endpoint {
      public Unix {
        int bytes = socket.toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes < 1 || bytes > SOCKET_PATH_BYTES_MAX) {
          throw new IllegalArgumentException(
              "socket: path of " + bytes + " bytes (expected: 1.." + SOCKET_PATH_BYTES_MAX + ")");
        }
      }

      @Override
      public String toString() {
        return "unix:" + socket;
      }
    }

    /**
     * A TCP port.
     *
     * @param host a name or an address, IPv6 without brackets
     * @param port 1..65535
     */
    record Tcp(String host, int port) implements Endpoint {
      public Tcp {
        if (host.isEmpty()) {
          throw new IllegalArgumentException("host: empty (expected: a name or an address)");
        }
        if (port < 1 || port > 65535) {
          throw new IllegalArgumentException("port: " + port + " (expected: 1..65535)");
        }
      }

      @Override
      public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
      }
    }
  }

  public NbdUri {
    int bytes = exportName.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > NAME_BYTES_MAX) {
      throw new IllegalArgumentException(
          "exportName: " + bytes + " bytes (expected: <= " + NAME_BYTES_MAX + ")");
    }
    if (exportName.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("exportName: contains NUL (expected: none)");
    }
  }

  /** The export {@code exportName} of the server listening on a unix domain socket. */
  public static NbdUri unix(Path socket, String exportName) {
    return new NbdUri(new Endpoint.Unix(socket), exportName);
  }

  /** The export {@code exportName} of the server listening on a TCP port. */
  public static NbdUri tcp(String host, int port, String exportName) {
    return new NbdUri(new Endpoint.Tcp(host, port), exportName);
  }

  /**
   * Reads a URI with the scheme {@code nbd} or {@code nbd+unix}. Query parameters other than {@code
   * socket} are ignored, as uri.md asks.
   *
   * @throws IllegalArgumentException with one sentence that says what is wrong with it
   */
  public static NbdUri parse(String text) {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("NBD URI " + text + ": " + e.getReason() + ".", e);
    }
    String scheme = uri.getScheme();
    if (scheme == null || uri.isOpaque()) {
      throw refused(
          text, "it should look like nbd://HOST/EXPORT or nbd+unix:///EXPORT?socket=PATH");
    }
    try {
      return switch (scheme) {
        case "nbd" -> new NbdUri(parseTcp(uri, text), exportNameOf(uri));
        case "nbd+unix" -> new NbdUri(parseUnix(uri, text), exportNameOf(uri));
        case "nbds", "nbds+unix" -> throw refused(text, "TLS is not supported yet");
        default -> throw refused(text, "the scheme '" + scheme + "' is neither nbd nor nbd+unix");
      };
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "NBD URI " + text + ": the socket is not a path: " + e.getReason() + ".", e);
    }
  }

  private static Endpoint parseTcp(URI uri, String text) {
    // Not URI.getHost(): it is null for a name with an underscore.
    String authority = uri.getRawAuthority();
    if (authority == null || authority.isEmpty()) {
      throw refused(text, "the host is missing");
    }
    if (authority.indexOf('@') >= 0) {
      throw refused(text, "a user name is only of use with TLS, which is not supported yet");
    }
    int bracket = authority.lastIndexOf(']');
    int colon = authority.indexOf(':', bracket + 1);
    String host = colon < 0 ? authority : authority.substring(0, colon);
    String port = colon < 0 ? "" : authority.substring(colon + 1);
    if (bracket >= 0) {
      host = host.substring(1, bracket);
    }
    if (!port.matches("[0-9]{0,5}")) {
      throw refused(text, "the port '" + port + "' is not a number");
    }
    return new Endpoint.Tcp(
        PercentEncoding.decode(host), port.isEmpty() ? DEFAULT_PORT : Integer.parseInt(port));
  }

  private static Endpoint parseUnix(URI uri, String text) {
    if (uri.getRawAuthority() != null && !uri.getRawAuthority().isEmpty()) {
      throw refused(text, "nbd+unix takes no host, write nbd+unix:///EXPORT?socket=PATH");
    }
    String socket = queryParameter(uri.getRawQuery(), "socket");
    if (socket == null || socket.isEmpty()) {
      throw refused(text, "the parameter socket=PATH is missing");
    }
    return new Endpoint.Unix(Path.of(socket));
  }

  private static @Nullable String queryParameter(@Nullable String rawQuery, String name) {
    if (rawQuery == null) {
      return null;
    }
    String prefix = name + "=";
    for (String parameter : rawQuery.split("[&;]", -1)) {
      if (parameter.startsWith(prefix)) {
        return PercentEncoding.decode(parameter.substring(prefix.length()));
      }
    }
    return null;
  }

  private static String exportNameOf(URI uri) {
    String path = uri.getRawPath();
    if (path == null || path.isEmpty()) {
      return "";
    }
    return PercentEncoding.decode(path.substring(1));
  }

  private static IllegalArgumentException refused(String text, String reason) {
    return new IllegalArgumentException("NBD URI " + text + ": " + reason + ".");
  }

  /** A URI that {@link #parse} reads back as this value. */
  @Override
  public String toString() {
    String path = PercentEncoding.encode(exportName);
    if (endpoint instanceof Endpoint.Unix unix) {
      return "nbd+unix:///" + path + "?socket=" + PercentEncoding.encode(unix.socket().toString());
    }
    Endpoint.Tcp tcp = (Endpoint.Tcp) endpoint;
    String host =
        tcp.host().indexOf(':') >= 0
            ? "[" + tcp.host() + "]"
            : PercentEncoding.encode(tcp.host()).replace("/", "%2F");
    return "nbd://" + host + (tcp.port() == DEFAULT_PORT ? "" : ":" + tcp.port()) + "/" + path;
  }
}
