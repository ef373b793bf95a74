package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertStore;
import java.security.cert.CertificateException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The JDK's verification of a server's chain and name, with the reason of a refusal put in words
 * while the certificates are at hand; and, for our own server, of a client's chain.
 */
final class ServerTrust extends X509ExtendedTrustManager {
  private final X509ExtendedTrustManager verification;
  private final String authorities;

  private ServerTrust(X509ExtendedTrustManager verification, String authorities) {
    this.verification = verification;
    this.authorities = authorities;
  }

  /** Trusts {@code ca-cert.pem} of a directory, or the system's trust anchors without one. */
  static ServerTrust load(Optional<Path> directory) throws NbdConnectException {
    Optional<Path> roots = directory.map(d -> d.resolve("ca-cert.pem")).filter(Files::exists);
    Optional<Path> revoked = directory.map(d -> d.resolve("ca-crl.pem")).filter(Files::exists);
    if (roots.isEmpty()) {
      if (revoked.isPresent()) {
        throw KeyFile.broken(revoked.get(), "there is no ca-cert.pem beside the file", null);
      }
      return new ServerTrust(system(), "this system");
    }
    Path file = roots.get();
    Set<TrustAnchor> anchors = new HashSet<>();
    for (X509Certificate root : PemFile.read(file).certificates()) {
      anchors.add(new TrustAnchor(root, null));
    }
    List<X509CRL> lists =
        revoked.isPresent() ? PemFile.read(revoked.get()).revocationLists() : List.of();
    try {
      return new ServerTrust(
          manager(new CertPathTrustManagerParameters(path(anchors, lists))), file.toString());
    } catch (GeneralSecurityException e) {
      throw KeyFile.broken(file, "the certificates are of no use: " + e.getMessage(), e);
    }
  }

  private static PKIXBuilderParameters path(Set<TrustAnchor> anchors, List<X509CRL> lists)
      throws GeneralSecurityException {
    PKIXBuilderParameters path = new PKIXBuilderParameters(anchors, new X509CertSelector());
    path.setRevocationEnabled(false);
    if (!lists.isEmpty()) {
      path.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
      PKIXRevocationChecker checker =
          (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
      // From the lists alone: nobody is asked over the network from an event loop.
      checker.setOptions(
          EnumSet.of(
              PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
      path.addCertPathChecker(checker);
    }
    return path;
  }

  private static X509ExtendedTrustManager manager(ManagerFactoryParameters parameters)
      throws GeneralSecurityException {
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(parameters);
    return only(factory);
  }

  private static X509ExtendedTrustManager system() throws NbdConnectException {
    try {
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init((KeyStore) null);
      return only(factory);
    } catch (GeneralSecurityException e) {
      throw new NbdConnectException(
          "the system's trusted certificates cannot be read: " + e.getMessage(), e);
    }
  }

  private static X509ExtendedTrustManager only(TrustManagerFactory factory) {
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager extended) {
        return extended;
      }
    }
    throw new IllegalStateException("the JDK has no X.509 trust manager");
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    try {
      verification.checkServerTrusted(chain, authType, engine);
    } catch (CertificateException e) {
      boolean chainTrusted = chainTrusted(chain, authType);
      String sentence =
          chainTrusted
              ? CertificateWords.wrongName(chain[0], String.valueOf(engine.getPeerHost()))
              : untrusted(chain, e);
      throw new PeerCertificateException(sentence, e);
    }
  }

  private boolean chainTrusted(X509Certificate[] chain, String authType) {
    try {
      verification.checkServerTrusted(chain, authType);
      return true;
    } catch (CertificateException e) {
      // Why is told from the failure that brought us here.
      return false;
    }
  }

  private String untrusted(X509Certificate[] chain, CertificateException failure) {
    Optional<String> dates = CertificateWords.outOfDate(chain, Instant.now());
    if (dates.isPresent()) {
      return dates.get();
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertPathValidatorException path) {
        if (path.getReason() == BasicReason.REVOKED) {
          return "the server's certificate is revoked";
        }
        if (path.getReason() == BasicReason.UNDETERMINED_REVOCATION_STATUS) {
          return "ca-crl.pem has no list in force from the authority of the server's certificate";
        }
        if (path.getReason() == BasicReason.ALGORITHM_CONSTRAINED) {
          return "the server's certificate is too weak: " + path.getMessage();
        }
      }
    }
    return "the server's certificate is not trusted: its issuer "
        + CertificateWords.issuer(chain[chain.length - 1])
        + " is not among the authorities of "
        + authorities;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    verification.checkServerTrusted(chain, authType, socket);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    verification.checkServerTrusted(chain, authType);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    verification.checkClientTrusted(chain, authType, engine);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    verification.checkClientTrusted(chain, authType, socket);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    verification.checkClientTrusted(chain, authType);
  }

  /**
   * None are named to clients, which then send the certificate that they have. GnuTLS (3.7.9) finds
   * none of RSA for the JDK's list of signatures if it is to look for one of certain issuers.
   */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
