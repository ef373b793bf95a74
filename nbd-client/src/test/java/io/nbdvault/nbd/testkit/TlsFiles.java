package io.nbdvault.nbd.testkit;

import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** A certificate authority for tests, and the PEM files that servers and clients read. */
public final class TlsFiles {
  private static final Duration YEAR = Duration.ofDays(365);

  private final X500Name name;
  private final KeyType keyType;
  private final Identity authority;

  /** What keys are made of. */
  public enum KeyType {
    RSA("RSA", 2048, "SHA256withRSA"),
    EC("EC", 256, "SHA256withECDSA");

    private final String algorithm;
    private final int bits;
    private final String signature;

    KeyType(String algorithm, int bits, String signature) {
      this.algorithm = algorithm;
      this.bits = bits;
      this.signature = signature;
    }

    /** A new pair. */
    public KeyPair generate() {
      try {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        generator.initialize(bits);
        return generator.generateKeyPair();
      } catch (GeneralSecurityException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** A certificate with its key. */
  public record Identity(KeyPair keys, X509CertificateHolder certificate) {}

  /** An authority of its own. */
  public TlsFiles(String commonName, KeyType keyType) {
    this.name = new X500Name("CN=" + commonName);
    this.keyType = keyType;
    KeyPair keys = keyType.generate();
    this.authority =
        new Identity(
            keys,
            sign(
                keys,
                name,
                keys,
                Instant.now().minus(YEAR),
                Instant.now().plus(YEAR),
                builder -> {
                  builder.addExtension(
                      Extension.basicConstraints, true, new BasicConstraints(true));
                  builder.addExtension(
                      Extension.keyUsage,
                      true,
                      new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
                }));
  }

  /** A certificate in force for both ends of TLS, for hosts: names, or addresses such as ::1. */
  public Identity issue(String commonName, String... hosts) {
    Instant now = Instant.now();
    return issue(commonName, now.minus(Duration.ofDays(1)), now.plus(Duration.ofDays(30)), hosts);
  }

  /** As {@link #issue(String, String...)}, in force as said. */
  public Identity issue(String commonName, Instant from, Instant until, String... hosts) {
    KeyPair keys = keyType.generate();
    GeneralName[] names =
        Arrays.stream(hosts)
            .map(
                host ->
                    new GeneralName(
                        host.matches("[0-9.]+|.*:.*") ? GeneralName.iPAddress : GeneralName.dNSName,
                        host))
            .toArray(GeneralName[]::new);
    return new Identity(
        keys,
        sign(
            authority.keys(),
            new X500Name("CN=" + commonName),
            keys,
            from,
            until,
            builder -> {
              builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
              builder.addExtension(
                  Extension.keyUsage,
                  true,
                  new KeyUsage(KeyUsage.digitalSignature | KeyUsage.keyEncipherment));
              builder.addExtension(
                  Extension.extendedKeyUsage,
                  false,
                  new ExtendedKeyUsage(
                      new KeyPurposeId[] {
                        KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth
                      }));
              if (names.length > 0) {
                builder.addExtension(
                    Extension.subjectAlternativeName, false, new GeneralNames(names));
              }
            }));
  }

  private interface Extensions {
    void add(X509v3CertificateBuilder builder) throws IOException;
  }

  private X509CertificateHolder sign(
      KeyPair by, X500Name subject, KeyPair keys, Instant from, Instant until, Extensions more) {
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            name,
            new BigInteger(100, new SecureRandom()).setBit(100),
            Date.from(from),
            Date.from(until),
            subject,
            keys.getPublic());
    try {
      more.add(builder);
      return builder.build(signer(by));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private ContentSigner signer(KeyPair by) {
    try {
      return new JcaContentSignerBuilder(keyType.signature).build(by.getPrivate());
    } catch (OperatorCreationException e) {
      throw new AssertionError(e);
    }
  }

  /** The authority's certificate. */
  public X509CertificateHolder certificate() {
    return authority.certificate();
  }

  /** A directory as nbdkit and QEMU want it. */
  public Path server(Path directory, Identity server) throws IOException {
    write(directory, "server", server);
    return directory;
  }

  /** A directory for a client that trusts this authority and has no certificate. */
  public Path client(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("ca-cert.pem"), pem(certificate()));
    return directory;
  }

  /** A directory for a client that trusts this authority. */
  public Path client(Path directory, Identity client) throws IOException {
    write(directory, "client", client);
    return directory;
  }

  private void write(Path directory, String whose, Identity identity) throws IOException {
    client(directory);
    Files.writeString(directory.resolve(whose + "-cert.pem"), pem(identity.certificate()));
    Files.writeString(directory.resolve(whose + "-key.pem"), pkcs8(identity.keys()));
  }

  /** Adds this authority's list of revoked certificates to a directory. */
  public void revoke(Path directory, Identity... revoked) throws IOException {
    Instant now = Instant.now();
    X509v2CRLBuilder builder =
        new X509v2CRLBuilder(name, Date.from(now)).setNextUpdate(Date.from(now.plus(YEAR)));
    for (Identity identity : revoked) {
      builder.addCRLEntry(identity.certificate().getSerialNumber(), Date.from(now), 0);
    }
    X509CRLHolder list = builder.build(signer(authority.keys()));
    Files.writeString(directory.resolve("ca-crl.pem"), pem(list));
  }

  /** A file as psktool writes it; QEMU looks for keys.psk in a directory. */
  public static Path psk(Path directory, String... usernamesAndHexKeys) throws IOException {
    Files.createDirectories(directory);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < usernamesAndHexKeys.length; i += 2) {
      lines.add(usernamesAndHexKeys[i] + ":" + usernamesAndHexKeys[i + 1]);
    }
    return Files.write(directory.resolve("keys.psk"), lines);
  }

  /** A certificate or a list in PEM. */
  public static String pem(Object object) throws IOException {
    Writer text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    }
    return text.toString();
  }

  /** A private key in PEM as PKCS#8. */
  public static String pkcs8(KeyPair keys) throws IOException {
    return pem(new PemObject("PRIVATE KEY", info(keys).getEncoded()));
  }

  /** A private key in PEM as of old: PKCS#1 of an RSA key, SEC1 of an EC key. */
  public static String traditional(KeyPair keys) throws IOException {
    String type = keys.getPrivate().getAlgorithm() + " PRIVATE KEY";
    return pem(new PemObject(type, info(keys).parsePrivateKey().toASN1Primitive().getEncoded()));
  }

  private static PrivateKeyInfo info(KeyPair keys) throws IOException {
    if (!(keys.getPrivate() instanceof java.security.interfaces.ECPrivateKey ec)) {
      return PrivateKeyInfo.getInstance(keys.getPrivate().getEncoded());
    }
    // The JDK leaves the public key out, without which GnuTLS does not read the file.
    SubjectPublicKeyInfo publicKey =
        SubjectPublicKeyInfo.getInstance(keys.getPublic().getEncoded());
    ASN1Encodable curve = publicKey.getAlgorithm().getParameters();
    int bits = ec.getParams().getOrder().bitLength();
    return new PrivateKeyInfo(
        publicKey.getAlgorithm(),
        new ECPrivateKey(bits, ec.getS(), publicKey.getPublicKeyData(), curve));
  }
}
