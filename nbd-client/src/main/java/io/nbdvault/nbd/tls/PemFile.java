package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;

/** The objects of a PEM file (RFC 7468), whatever else stands between them. */
final class PemFile {
  private static final int OBJECTS_MAX = 4096;

  private final KeyFile file;
  private final List<Object> objects;

  private PemFile(KeyFile file, List<Object> objects) {
    this.file = file;
    this.objects = objects;
  }

  static PemFile read(Path path) throws NbdConnectException {
    KeyFile file = KeyFile.read(path);
    List<Object> objects = new ArrayList<>();
    try (PEMParser parser = new PEMParser(new StringReader(file.text()))) {
      Object object;
      while ((object = parser.readObject()) != null) {
        if (objects.size() == OBJECTS_MAX) {
          throw file.broken("the file has more than " + OBJECTS_MAX + " objects", null);
        }
        objects.add(object);
      }
    } catch (NbdConnectException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw file.broken("the file is damaged: " + e.getMessage(), e);
    }
    return new PemFile(file, objects);
  }

  /** All certificates, in the file's order; at least one. */
  List<X509Certificate> certificates() throws NbdConnectException {
    JcaX509CertificateConverter converter = new JcaX509CertificateConverter();
    List<X509Certificate> certificates = new ArrayList<>();
    for (Object object : objects) {
      if (object instanceof X509CertificateHolder holder) {
        try {
          certificates.add(converter.getCertificate(holder));
        } catch (GeneralSecurityException e) {
          throw file.broken("a certificate is damaged: " + e.getMessage(), e);
        }
      }
    }
    if (certificates.isEmpty()) {
      throw file.broken("there is no PEM certificate in the file", null);
    }
    return certificates;
  }

  /** All revocation lists; at least one. */
  List<X509CRL> revocationLists() throws NbdConnectException {
    JcaX509CRLConverter converter = new JcaX509CRLConverter();
    List<X509CRL> lists = new ArrayList<>();
    for (Object object : objects) {
      if (object instanceof X509CRLHolder holder) {
        try {
          lists.add(converter.getCRL(holder));
        } catch (GeneralSecurityException e) {
          throw file.broken("a revocation list is damaged: " + e.getMessage(), e);
        }
      }
    }
    if (lists.isEmpty()) {
      throw file.broken("there is no PEM revocation list in the file", null);
    }
    return lists;
  }

  /** The first private key: PKCS#8, PKCS#1 (RSA) or SEC1 (EC). */
  PrivateKey privateKey() throws NbdConnectException {
    for (Object object : objects) {
      if (object instanceof PEMKeyPair pair) {
        return toKey(pair.getPrivateKeyInfo());
      }
      if (object instanceof PrivateKeyInfo info) {
        return toKey(info);
      }
      if (object instanceof PEMEncryptedKeyPair || object instanceof PKCS8EncryptedPrivateKeyInfo) {
        throw file.broken(
            "the private key is encrypted with a passphrase, which is not supported", null);
      }
    }
    throw file.broken("there is no PEM private key in the file", null);
  }

  private PrivateKey toKey(PrivateKeyInfo info) throws NbdConnectException {
    ASN1ObjectIdentifier type = info.getPrivateKeyAlgorithm().getAlgorithm();
    try {
      return KeyFactory.getInstance(algorithm(type))
          .generatePrivate(new PKCS8EncodedKeySpec(info.getEncoded()));
    } catch (GeneralSecurityException | IOException e) {
      throw file.broken("the private key is damaged or of no known type: " + e.getMessage(), e);
    }
  }

  /** The JDK's name; its key factories go by name, and Bouncy Castle's converter by other names. */
  private static String algorithm(ASN1ObjectIdentifier type) {
    if (type.equals(PKCSObjectIdentifiers.rsaEncryption)) {
      return "RSA";
    }
    if (type.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
      return "EC";
    }
    if (type.equals(PKCSObjectIdentifiers.id_RSASSA_PSS)) {
      return "RSASSA-PSS";
    }
    if (type.equals(EdECObjectIdentifiers.id_Ed25519)
        || type.equals(EdECObjectIdentifiers.id_Ed448)) {
      return "EdDSA";
    }
    return type.getId();
  }
}
