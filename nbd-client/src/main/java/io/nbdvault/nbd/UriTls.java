package io.nbdvault.nbd;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a URI says of TLS (NBD project, uri.md, "NBD URI query parameters related to TLS"). */
final class UriTls {
  private static final String CERTIFICATES = "tls-certificates";
  private static final String HOSTNAME = "tls-hostname";
  private static final String PSK_FILE = "tls-psk-file";
  private static final String TYPE = "tls-type";
  private static final String VERIFY_PEER = "tls-verify-peer";
  private static final List<String> ALL =
      List.of(CERTIFICATES, HOSTNAME, PSK_FILE, TYPE, VERIFY_PEER);

  private UriTls() {}

  /**
   * Reads the settings of a URI.
   *
   * @param secure whether the scheme asks for TLS
   * @param text the whole URI, for messages
   */
  static Optional<TlsSettings> parse(
      boolean secure, Optional<String> user, UriQuery query, String text) {
    if (!secure) {
      for (String name : ALL) {
        if (query.get(name).isPresent()) {
          throw NbdUri.refused(
              text, "the parameter " + name + " needs the scheme nbds or nbds+unix");
        }
      }
      if (user.isPresent()) {
        throw NbdUri.refused(text, "a user name needs the scheme nbds or nbds+unix");
      }
      return Optional.empty();
    }
    Optional<Path> certificates = path(query, CERTIFICATES, text);
    Optional<Path> pskFile = path(query, PSK_FILE, text);
    if (certificates.isPresent() && pskFile.isPresent()) {
      throw NbdUri.refused(text, CERTIFICATES + " and " + PSK_FILE + " exclude each other");
    }
    checkType(query.get(TYPE), pskFile.isPresent(), text);
    boolean verifyPeer = verifyPeer(query, text);
    if (pskFile.isPresent()) {
      return Optional.of(new TlsSettings.Psk(pskFile.get(), user));
    }
    return Optional.of(new TlsSettings.X509(certificates, query.get(HOSTNAME), verifyPeer));
  }

  private static Optional<Path> path(UriQuery query, String name, String text) {
    Optional<String> value = query.get(name);
    if (value.isPresent() && value.get().isEmpty()) {
      throw NbdUri.refused(text, "the parameter " + name + " is empty");
    }
    return value.map(Path::of);
  }

  private static void checkType(Optional<String> type, boolean psk, String text) {
    String wanted = type.orElse(psk ? "psk" : "x509");
    switch (wanted) {
      case "psk" -> {
        if (!psk) {
          throw NbdUri.refused(text, TYPE + "=psk needs " + PSK_FILE + "=FILE");
        }
      }
      case "x509" -> {
        if (psk) {
          throw NbdUri.refused(text, TYPE + "=x509 and " + PSK_FILE + " exclude each other");
        }
      }
      default -> throw NbdUri.refused(text, TYPE + "=" + wanted + " is neither x509 nor psk");
    }
  }

  private static boolean verifyPeer(UriQuery query, String text) {
    String value = query.get(VERIFY_PEER).orElse("1");
    return switch (value) {
      case "1", "true" -> true;
      case "0", "false" -> false;
      default ->
          throw NbdUri.refused(
              text, "the parameter " + VERIFY_PEER + " is '" + value + "' and not 0 or 1");
    };
  }

  /** {@code USER@}, or nothing. */
  static String userInfo(TlsSettings settings) {
    return settings instanceof TlsSettings.Psk psk
        ? psk.username().map(name -> PercentEncoding.encodeAll(name) + "@").orElse("")
        : "";
  }

  /** NAME=VALUE, encoded. */
  static List<String> parameters(TlsSettings settings) {
    List<String> parameters = new ArrayList<>();
    if (settings instanceof TlsSettings.Psk psk) {
      parameters.add(PSK_FILE + "=" + PercentEncoding.encode(psk.file().toString()));
      return parameters;
    }
    TlsSettings.X509 x509 = (TlsSettings.X509) settings;
    x509.certificates()
        .ifPresent(
            path -> parameters.add(CERTIFICATES + "=" + PercentEncoding.encode(path.toString())));
    x509.hostname()
        .ifPresent(name -> parameters.add(HOSTNAME + "=" + PercentEncoding.encode(name)));
    if (!x509.verifyPeer()) {
      parameters.add(VERIFY_PEER + "=0");
    }
    return parameters;
  }
}
