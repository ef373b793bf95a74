package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdTlsException;
import io.netty.handler.ssl.NotSslRecordException;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertificateException;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsFatalAlertReceived;
import org.jspecify.annotations.Nullable;

/**
 * Says in one sentence why TLS failed.
 *
 * @param refused what to say if the server turned this client away
 */
record FailureWords(String refused) {
  private static final Pattern JDK_ALERT = Pattern.compile("Received fatal alert: (\\w+)");

  /** Alerts (RFC 8446, section 6.2) that are about who the client is. */
  private static final Set<String> WHO =
      Set.of(
          "access_denied",
          "bad_certificate",
          "certificate_expired",
          "certificate_required",
          "certificate_revoked",
          "certificate_unknown",
          "no_certificate",
          "unknown_ca",
          "unsupported_certificate",
          "bad_record_mac",
          "decrypt_error",
          "unknown_psk_identity");

  /** Alerts that say that the two sides have too little in common. */
  private static final Set<String> HOW =
      Set.of(
          "handshake_failure",
          "insufficient_security",
          "missing_extension",
          "no_application_protocol",
          "protocol_version");

  NbdTlsException of(Throwable failure) {
    if (failure instanceof NbdTlsException already) {
      return already;
    }
    return new NbdTlsException(sentence(failure), failure);
  }

  /** The server closed the connection instead of answering. */
  NbdTlsException closed(String when) {
    return new NbdTlsException(closedSentence(when));
  }

  private String closedSentence(String when) {
    return "the server closed the connection " + when + "; perhaps " + refused;
  }

  private String sentence(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof PeerCertificateException certificate) {
        return certificate.sentence();
      }
      if (cause instanceof NotSslRecordException) {
        return "the server does not speak TLS although it agreed to";
      }
      if (cause instanceof ClosedChannelException) {
        return closedSentence("during the TLS handshake");
      }
      String alert = alertReceived(cause);
      if (alert != null) {
        return sentenceFor(alert);
      }
      if (cause instanceof TlsFatalAlert own) {
        return "TLS with the server failed: " + AlertDescription.getName(own.getAlertDescription());
      }
      if (cause instanceof CertificateException) {
        return "the server's certificate is not acceptable: " + cause.getMessage();
      }
    }
    return "TLS with the server failed: " + failure.getMessage();
  }

  private static @Nullable String alertReceived(Throwable cause) {
    if (cause instanceof TlsFatalAlertReceived received) {
      return AlertDescription.getName(received.getAlertDescription());
    }
    String message = cause.getMessage();
    Matcher matcher = JDK_ALERT.matcher(message == null ? "" : message);
    return matcher.find() ? matcher.group(1) : null;
  }

  private String sentenceFor(String alert) {
    if (WHO.contains(alert)) {
      return refused + " (" + alert + ")";
    }
    if (HOW.contains(alert)) {
      return "the server shares no TLS version, cipher or kind of key with this client, or "
          + refused
          + " ("
          + alert
          + ")";
    }
    return "the server broke off TLS (" + alert + ")";
  }
}
