package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.Identity;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates, against nbdkit and qemu-nbd. */
@Timeout(180)
final class TlsIT {
  private static final TlsFiles CA = new TlsFiles("authority", KeyType.EC);
  private static final TlsFiles STRANGER = new TlsFiles("stranger", KeyType.EC);

  @TempDir Path dir;

  private Path serverFiles(TlsFiles ca, Identity server) throws Exception {
    return ca.server(dir.resolve("server"), server);
  }

  private ExternalServer nbdkitTcp(TlsFiles ca, Identity server) throws Exception {
    return ExternalServer.nbdkitTcp(
        dir, "--tls=require", "--tls-certificates=" + serverFiles(ca, server), "memory", "1M");
  }

  private ExternalServer nbdkitUnix(Identity server, String... more) throws Exception {
    List<String> args = new ArrayList<>(List.of(more));
    args.addAll(
        List.of("--tls=require", "--tls-certificates=" + serverFiles(CA, server), "memory", "1M"));
    return ExternalServer.nbdkit(dir, args.toArray(String[]::new));
  }

  private ExternalServer qemuNbd(String more) throws Exception {
    Path disk = dir.resolve("disk");
    Commands.run("qemu-img", "create", "-f", "raw", disk.toString(), "1M");
    String credentials =
        "tls-creds-x509,id=tls0,endpoint=server,dir="
            + serverFiles(CA, CA.issue("server", "localhost"))
            + more;
    return ExternalServer.qemuNbd(
        dir,
        "--object",
        credentials,
        "--tls-creds",
        "tls0",
        "-e",
        "4",
        "-f",
        "raw",
        disk.toString());
  }

  private NbdUri with(NbdUri uri, Path clientFiles, String hostname) {
    Optional<String> name = hostname.isEmpty() ? Optional.empty() : Optional.of(hostname);
    return uri.withTls(new TlsSettings.X509(Optional.of(clientFiles), name, true));
  }

  private NbdUri trusting(NbdUri uri, TlsFiles ca) throws Exception {
    return with(uri, ca.client(dir.resolve("client")), "");
  }

  private static void assertServed(NbdUri uri) throws Exception {
    try (SecuredChannel channel = SecuredChannel.open(uri)) {
      assertThat(channel.export("")).isEqualTo(1 << 20);
    }
  }

  /** At the handshake, or, in TLS 1.3, at what follows. */
  private static void assertRefused(NbdUri uri, String reason) {
    assertThatThrownBy(() -> assertServed(uri))
        .isInstanceOf(NbdTlsException.class)
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @EnumSource(KeyType.class)
  void acceptsACertificateForTheAddress(KeyType keyType) throws Exception {
    TlsFiles ca = new TlsFiles("another", keyType);
    try (ExternalServer server = nbdkitTcp(ca, ca.issue("server", "127.0.0.1"))) {
      assertServed(trusting(server.uri(), ca));
    }
  }

  @Test
  void acceptsACertificateForTheName() throws Exception {
    try (ExternalServer server = nbdkitTcp(CA, CA.issue("server", "localhost"))) {
      NbdUri.Endpoint.Tcp tcp = (NbdUri.Endpoint.Tcp) server.uri().endpoint();
      assertServed(trusting(NbdUri.tcp("localhost", tcp.port(), ""), CA));
      assertRefused(trusting(server.uri(), CA), "is for localhost (expected: 127.0.0.1)");
      Path files = CA.client(dir.resolve("client"));
      assertServed(with(server.uri(), files, "localhost"));
      assertRefused(with(server.uri(), files, "example.com"), "(expected: example.com)");
    }
  }

  @Test
  void aUnixSocketHasTheNameItIsGiven() throws Exception {
    try (ExternalServer server = nbdkitUnix(CA.issue("server", "example.com"))) {
      Path files = CA.client(dir.resolve("client"));
      assertServed(with(server.uri(), files, ""));
      assertServed(with(server.uri(), files, "example.com"));
      assertRefused(
          with(server.uri(), files, "localhost"), "is for example.com (expected: localhost)");
    }
  }

  @Test
  void refusesAnotherAuthority() throws Exception {
    try (ExternalServer tcp = nbdkitTcp(CA, CA.issue("server", "127.0.0.1"));
        ExternalServer unix = nbdkitUnix(CA.issue("server", "127.0.0.1"))) {
      for (NbdUri uri : List.of(tcp.uri(), unix.uri())) {
        assertRefused(
            trusting(uri, STRANGER),
            "not trusted: its issuer 'CN=authority' is not among the authorities of "
                + dir.resolve("client").resolve("ca-cert.pem"));
        assertRefused(uri.withTls(TlsSettings.system()), "authorities of this system");
      }
    }
  }

  @Test
  void acceptsAnyCertificateIfToldTo() throws Exception {
    try (ExternalServer server = nbdkitTcp(CA, CA.issue("server", "example.com"))) {
      assertServed(
          NbdUri.parse(server.uri().toString().replace("nbd:", "nbds:") + "?tls-verify-peer=0"));
    }
  }

  @Test
  void refusesACertificateOutOfDate() throws Exception {
    Instant now = Instant.now();
    Identity old =
        CA.issue("s", now.minus(Duration.ofDays(9)), now.minus(Duration.ofDays(1)), "127.0.0.1");
    try (ExternalServer server = nbdkitTcp(CA, old)) {
      assertRefused(trusting(server.uri(), CA), "the server's certificate expired at");
    }
    Identity young =
        CA.issue("s", now.plus(Duration.ofDays(1)), now.plus(Duration.ofDays(9)), "127.0.0.1");
    try (ExternalServer server = nbdkitTcp(CA, young)) {
      assertRefused(trusting(server.uri(), CA), "the server's certificate is valid only from");
    }
  }

  @Test
  void refusesARevokedCertificate() throws Exception {
    Identity identity = CA.issue("server", "127.0.0.1");
    try (ExternalServer server = nbdkitTcp(CA, identity)) {
      NbdUri uri = trusting(server.uri(), CA);
      CA.revoke(dir.resolve("client"));
      assertServed(uri);
      CA.revoke(dir.resolve("client"), identity);
      assertRefused(uri, "the server's certificate is revoked");
      STRANGER.revoke(dir.resolve("client"));
      assertRefused(uri, "ca-crl.pem has no list in force");
    }
  }

  @Test
  void nbdkitMayRequireAClientCertificate() throws Exception {
    try (ExternalServer server = nbdkitUnix(CA.issue("server", "h"), "--tls-verify-peer")) {
      assertServed(with(server.uri(), CA.client(dir.resolve("a"), CA.issue("client")), "h"));
      assertRefused(
          with(server.uri(), CA.client(dir.resolve("none")), "h"),
          "the server requires a client's certificate, and none is given");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.2", "1.3"})
  void qemuMayRequireAClientCertificate(String version) throws Exception {
    try (ExternalServer server =
        qemuNbd(",verify-peer=on,priority=NORMAL:-VERS-TLS-ALL:+VERS-TLS" + version)) {
      NbdUri uri = server.uri();
      assertServed(with(uri, CA.client(dir.resolve("a"), CA.issue("client")), "localhost"));
      assertRefused(
          with(uri, CA.client(dir.resolve("none")), "localhost"),
          "the server requires a client's certificate, and none is given");
      Path strange = STRANGER.client(dir.resolve("strange"), STRANGER.issue("client"));
      CA.client(strange);
      // The JDK does not offer a certificate from an authority that the server does not name.
      assertRefused(with(uri, strange, "localhost"), "the client's certificate, 'CN=client'");
      Instant now = Instant.now();
      Identity old =
          CA.issue("client", now.minus(Duration.ofDays(9)), now.minus(Duration.ofDays(1)));
      assertRefused(
          with(uri, CA.client(dir.resolve("old"), old), "localhost"),
          "the client's certificate, 'CN=client'");
    }
  }

  @Test
  void severalConnectionsAreSecuredAlike() throws Exception {
    TlsFiles.Identity identity = CA.issue("server", "127.0.0.1");
    try (ExternalServer server = nbdkitTcp(CA, identity)) {
      NbdUri uri = trusting(server.uri(), CA);
      List<SecuredChannel> channels = new ArrayList<>();
      try {
        for (int i = 0; i < 8; i++) {
          channels.add(SecuredChannel.open(uri));
        }
        for (SecuredChannel channel : channels) {
          assertThat(channel.export("")).isEqualTo(1 << 20);
        }
      } finally {
        channels.forEach(SecuredChannel::close);
      }
    }
  }
}
