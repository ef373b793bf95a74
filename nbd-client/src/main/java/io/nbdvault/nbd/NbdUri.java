package io.nbdvault.nbd;

import io.netty.util.NetUtil;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where an NBD export is, and how the way there is secured (NBD project, uri.md): {@code
 * nbd://HOST[:PORT]/EXPORT}, {@code nbd+unix:///EXPORT?socket=PATH}, and the same with {@code nbds}
 * and {@code nbds+unix}, where TLS is required and nothing is ever sent without it. Those may have
 *
 * <ul>
 *   <li>{@code tls-certificates=DIRECTORY}, {@code tls-hostname=NAME}, {@code tls-verify-peer=0},
 *       see {@link TlsSettings.X509}
 *   <li>{@code tls-psk-file=FILE}, and a user name before the host, see {@link TlsSettings.Psk}
 *   <li>{@code tls-type=x509} or {@code psk}, which must agree with the rest
 * </ul>
 *
 * @param endpoint the server's address
 * @param exportName the export's name, at most 4096 bytes of UTF-8 without NUL; empty for the
 *     server's default export
 * @param tls how the connection must be secured; empty for none
 */
public record NbdUri(Endpoint endpoint, String exportName, Optional<TlsSettings> tls) {
  /** The port IANA gave to NBD. */
  public static final int DEFAULT_PORT = 10809;

  private static final Set<String> SCHEMES = Set.of("nbd", "nbds", "nbd+unix", "nbds+unix");
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
      /**
       * Checks the path.
       *
       * @throws IllegalArgumentException if it is empty or too long
       */
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
      /**
       * Checks host and port.
       *
       * @throws IllegalArgumentException if the host is empty or the port out of range
       */
      public Tcp {
        if (host.isEmpty()) {
          throw new IllegalArgumentException("host: empty (expected: a name or an address)");
        }
        requireText("host", host);
        if (host.indexOf(':') >= 0 && !isIpv6(host)) {
          throw new IllegalArgumentException("host: contains ':' but is not an IPv6 address");
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

  /**
   * Checks the name.
   *
   * @throws IllegalArgumentException if it is too long or has a NUL
   */
  public NbdUri {
    requireText("exportName", exportName);
    int bytes = exportName.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > NAME_BYTES_MAX) {
      throw new IllegalArgumentException(
          "exportName: " + bytes + " bytes (expected: <= " + NAME_BYTES_MAX + ")");
    }
    if (exportName.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("exportName: contains NUL (expected: none)");
    }
  }

  /** An export reached without TLS. */
  public NbdUri(Endpoint endpoint, String exportName) {
    this(endpoint, exportName, Optional.empty());
  }

  /** This export, reached with TLS. */
  public NbdUri withTls(TlsSettings settings) {
    return new NbdUri(endpoint, exportName, Optional.of(settings));
  }

  /** Possibly with a zone (RFC 6874), in the letters that a URI's parser takes. */
  private static boolean isIpv6(String host) {
    int zone = host.indexOf('%');
    return NetUtil.isValidIpV6Address(zone < 0 ? host : host.substring(0, zone))
        && (zone < 0 || host.substring(zone + 1).matches("[A-Za-z0-9_.]+"));
  }

  /** Half a surrogate pair would be sent, and written into a URI, as a question mark. */
  static void requireText(String what, String value) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(value)) {
      throw new IllegalArgumentException(what + ": half a surrogate pair (expected: none)");
    }
  }

  /**
   * An export of the server listening on a unix domain socket.
   *
   * @throws IllegalArgumentException if socket or name are too long
   */
  public static NbdUri unix(Path socket, String exportName) {
    return new NbdUri(new Endpoint.Unix(socket), exportName);
  }

  /**
   * An export of the server listening on a TCP port.
   *
   * @throws IllegalArgumentException if the port is not in 1..65535 or the name too long
   */
  public static NbdUri tcp(String host, int port, String exportName) {
    return new NbdUri(new Endpoint.Tcp(host, port), exportName);
  }

  /**
   * Reads a URI with the scheme {@code nbd}, {@code nbds}, {@code nbd+unix} or {@code nbds+unix}.
   * Query parameters that are none of the above are ignored, and so are a user name beside
   * certificates, and {@code tls-hostname} and {@code tls-verify-peer} beside a pre-shared key, as
   * in libnbd. What libnbd ignores and is refused here: parameters of TLS without TLS, which would
   * leave a connection open that was meant to be secured.
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
    if (!SCHEMES.contains(scheme)) {
      throw refused(
          text, "the scheme '" + scheme + "' is none of nbd, nbds, nbd+unix and nbds+unix");
    }
    Authority authority = Authority.of(uri, text);
    UriQuery query = UriQuery.of(uri.getRawQuery());
    try {
      Endpoint endpoint =
          scheme.endsWith("+unix")
              ? parseUnix(authority, query, text)
              : parseTcp(authority, query, text);
      boolean secure = scheme.startsWith("nbds");
      return new NbdUri(
          endpoint, exportNameOf(uri), UriTls.parse(secure, authority.user(), query, text));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "NBD URI " + text + ": a parameter is not a path: " + e.getReason() + ".", e);
    }
  }

  /** USER@HOSTPORT; the latter still encoded. */
  private record Authority(Optional<String> user, String hostPort) {
    // Not URI.getHost(): it is null for a name with an underscore, and for a user without a host.
    static Authority of(URI uri, String text) {
      String raw = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
      int at = raw.lastIndexOf('@');
      if (at == 0) {
        throw refused(text, "the user name before '@' is empty");
      }
      return new Authority(
          at < 0 ? Optional.empty() : Optional.of(PercentEncoding.decode(raw.substring(0, at))),
          raw.substring(at + 1));
    }
  }

  private static Endpoint parseTcp(Authority authority, UriQuery query, String text) {
    String hostPort = authority.hostPort();
    if (hostPort.isEmpty()) {
      throw refused(text, "the host is missing");
    }
    if (query.get("socket").isPresent()) {
      throw refused(text, "the parameter socket needs the scheme nbd+unix or nbds+unix");
    }
    int bracket = hostPort.lastIndexOf(']');
    int colon = hostPort.indexOf(':', bracket + 1);
    String host = colon < 0 ? hostPort : hostPort.substring(0, colon);
    String port = colon < 0 ? "" : hostPort.substring(colon + 1);
    if (bracket >= 0) {
      host = host.substring(1, bracket);
    }
    if (!port.matches("[0-9]{0,5}")) {
      throw refused(text, "the port '" + port + "' is not a number");
    }
    return new Endpoint.Tcp(
        PercentEncoding.decode(host), port.isEmpty() ? DEFAULT_PORT : Integer.parseInt(port));
  }

  private static Endpoint parseUnix(Authority authority, UriQuery query, String text) {
    if (!authority.hostPort().isEmpty()) {
      throw refused(text, "a unix socket has no host, write nbd+unix:///EXPORT?socket=PATH");
    }
    String socket = query.get("socket").orElse("");
    if (socket.isEmpty()) {
      throw refused(text, "the parameter socket=PATH is missing");
    }
    return new Endpoint.Unix(Path.of(socket));
  }

  private static String exportNameOf(URI uri) {
    String path = uri.getRawPath();
    if (path == null || path.isEmpty()) {
      return "";
    }
    return PercentEncoding.decode(path.substring(1));
  }

  static IllegalArgumentException refused(String text, String reason) {
    return new IllegalArgumentException("NBD URI " + text + ": " + reason + ".");
  }

  /** A URI that {@link #parse} reads back as this value. */
  @Override
  public String toString() {
    String path = PercentEncoding.encode(exportName);
    String scheme = tls.isPresent() ? "nbds" : "nbd";
    String user = tls.map(UriTls::userInfo).orElse("");
    List<String> parameters = new ArrayList<>();
    if (endpoint instanceof Endpoint.Unix unix) {
      parameters.add("socket=" + PercentEncoding.encode(unix.socket().toString()));
    }
    tls.ifPresent(settings -> parameters.addAll(UriTls.parameters(settings)));
    String query = parameters.isEmpty() ? "" : "?" + String.join("&", parameters);
    if (endpoint instanceof Endpoint.Unix) {
      return scheme + "+unix://" + user + "/" + path + query;
    }
    Endpoint.Tcp tcp = (Endpoint.Tcp) endpoint;
    String host =
        tcp.host().indexOf(':') >= 0
            ? "[" + tcp.host().replace("%", "%25") + "]"
            : PercentEncoding.encodeAll(tcp.host());
    String port = tcp.port() == DEFAULT_PORT ? "" : ":" + tcp.port();
    return scheme + "://" + user + host + port + "/" + path + query;
  }
}
