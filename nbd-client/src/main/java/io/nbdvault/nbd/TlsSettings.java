package io.nbdvault.nbd;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How a connection is secured, in files' names only, so that it can stand in a URI (NBD project,
 * uri.md, "NBD URI query parameters related to TLS"). The files are read when a connection is
 * opened.
 */
public sealed interface TlsSettings {
  /** Certificates, verified against the system's trust anchors and the URI's host. */
  static TlsSettings system() {
    return new X509(Optional.empty(), Optional.empty(), true);
  }

  /**
   * Both sides, or the server alone, prove who they are by certificates.
   *
   * @param certificates a directory with the PEM files of libnbd: {@code ca-cert.pem}, the trusted
   *     authorities, without which the system's trust anchors count; {@code client-cert.pem} and
   *     {@code client-key.pem}, both or neither; {@code ca-crl.pem}, optional revocation lists,
   *     which must then cover every authority in the server's chain
   * @param hostname the name or address the server's certificate must carry instead of the URI's
   *     host, 1..253 bytes. With neither, as on a unix socket, any name will do if the chain is
   *     trusted
   * @param verifyPeer false lets any server pass as the right one
   */
  record X509(Optional<Path> certificates, Optional<String> hostname, boolean verifyPeer)
      implements TlsSettings {
    private static final int HOSTNAME_BYTES_MAX = 253;

    public X509 {
      certificates.ifPresent(directory -> checkPath("certificates", directory));
      hostname.ifPresent(name -> checkText("hostname", name, HOSTNAME_BYTES_MAX));
    }
  }

  /**
   * Both sides prove that they know the same key.
   *
   * @param file lines USERNAME:HEXKEY, as {@code psktool} writes them
   * @param username whose key to use, 1..255 bytes without a colon. Without it, the user of this
   *     process if the file has a key for it, else the only user in the file
   */
  record Psk(Path file, Optional<String> username) implements TlsSettings {
    private static final int USERNAME_BYTES_MAX = 255;

    public Psk {
      checkPath("file", file);
      username.ifPresent(
          name -> {
            checkText("username", name, USERNAME_BYTES_MAX);
            if (name.indexOf(':') >= 0) {
              throw new IllegalArgumentException("username: contains ':' (expected: none)");
            }
          });
    }
  }

  private static void checkPath(String what, Path path) {
    if (path.toString().isEmpty()) {
      throw new IllegalArgumentException(what + ": empty (expected: a path)");
    }
  }

  private static void checkText(String what, String text, int bytesMax) {
    NbdUri.requireText(what, text);
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > bytesMax) {
      throw new IllegalArgumentException(
          what + ": " + bytes + " bytes (expected: 1.." + bytesMax + ")");
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(what + ": contains a control character (expected: none)");
    }
  }
}
