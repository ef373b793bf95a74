package io.nbdvault.nbd.tls;

import java.security.cert.CertificateException;

/** The server's certificate was refused; says why in a sentence for the user. */
final class PeerCertificateException extends CertificateException {
  private static final long serialVersionUID = 1L;

  PeerCertificateException(String sentence, CertificateException cause) {
    super(sentence, cause);
  }

  String sentence() {
    return String.valueOf(getMessage());
  }
}
