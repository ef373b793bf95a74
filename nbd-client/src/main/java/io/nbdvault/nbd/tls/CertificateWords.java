package io.nbdvault.nbd.tls;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** What is wrong with a server's certificate, in words; what it says of itself is made harmless. */
final class CertificateWords {
  private static final int NAMES_MAX = 5;
  private static final int NAME_CHARS_MAX = 200;
  // GeneralName (RFC 5280, section 4.2.1.6).
  private static final int DNS_NAME = 2;
  private static final int IP_ADDRESS = 7;

  private CertificateWords() {}

  static String wrongName(X509Certificate certificate, String expected) {
    return "the server's certificate is for "
        + names(certificate)
        + " (expected: "
        + harmless(expected)
        + ")";
  }

  private static String names(X509Certificate certificate) {
    List<String> names = new ArrayList<>();
    try {
      Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
      for (List<?> name : alternatives == null ? List.<List<?>>of() : alternatives) {
        boolean ofHost = name.get(0).equals(DNS_NAME) || name.get(0).equals(IP_ADDRESS);
        if (ofHost && names.size() < NAMES_MAX) {
          names.add(harmless(String.valueOf(name.get(1))));
        }
      }
    } catch (CertificateParsingException e) {
      return "names that cannot be read";
    }
    return names.isEmpty()
        ? harmless(certificate.getSubjectX500Principal().getName())
        : String.join(", ", names);
  }

  /** Says so if a certificate of the chain is no longer or not yet valid. */
  static Optional<String> outOfDate(X509Certificate[] chain, Instant now) {
    for (int i = 0; i < chain.length; i++) {
      String whose =
          i == 0
              ? "the server's certificate"
              : "the certificate of "
                  + harmless(chain[i].getSubjectX500Principal().getName())
                  + " in the server's chain";
      if (now.isAfter(chain[i].getNotAfter().toInstant())) {
        return Optional.of(whose + " expired at " + chain[i].getNotAfter().toInstant());
      }
      if (now.isBefore(chain[i].getNotBefore().toInstant())) {
        return Optional.of(whose + " is valid only from " + chain[i].getNotBefore().toInstant());
      }
    }
    return Optional.empty();
  }

  static String issuer(X509Certificate certificate) {
    return "'" + harmless(certificate.getIssuerX500Principal().getName()) + "'";
  }

  private static String harmless(String text) {
    String cut = text.length() <= NAME_CHARS_MAX ? text : text.substring(0, NAME_CHARS_MAX) + "…";
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}
