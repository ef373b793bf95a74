package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Certificates, against nbdkit and qemu-nbd. */
@Timeout(180)
final class TlsIT {
  private static final TlsFiles CA = new TlsFiles("authority", KeyType.EC);

  @TempDir Path dir;

  private ExternalServer nbdkit(TlsFiles.Identity server, String... more) throws Exception {
    return nbdkit(CA, server, more);
  }

  private ExternalServer nbdkit(TlsFiles ca, TlsFiles.Identity server, String... more)
      throws Exception {
    String[] args = new String[more.length + 4];
    args[0] = "--tls=require";
    args[1] = "--tls-certificates=" + ca.server(dir.resolve("server"), server);
    System.arraycopy(more, 0, args, 2, more.length);
    args[more.length + 2] = "memory";
    args[more.length + 3] = "1M";
    return ExternalServer.nbdkitTcp(dir, args);
  }

  private NbdUri trusting(ExternalServer server, TlsFiles ca) throws Exception {
    return server
        .uri()
        .withTls(
            new TlsSettings.X509(
                Optional.of(ca.client(dir.resolve("client"))), Optional.empty(), true));
  }

  @ParameterizedTest
  @EnumSource(KeyType.class)
  void acceptsACertificateForTheAddress(KeyType keyType) throws Exception {
    TlsFiles ca = new TlsFiles("another", keyType);
    try (ExternalServer server = nbdkit(ca, ca.issue("server", "127.0.0.1"));
        SecuredChannel channel = SecuredChannel.open(trusting(server, ca))) {
      assertThat(channel.export("")).isEqualTo(1 << 20);
    }
  }

  @Test
  void refusesAnotherAuthority() throws Exception {
    TlsFiles other = new TlsFiles("stranger", KeyType.EC);
    try (ExternalServer server = nbdkit(CA.issue("server", "127.0.0.1"))) {
      assertRefused(trusting(server, other), "not trusted");
    }
  }

  @Test
  void refusesAnotherHost() throws Exception {
    try (ExternalServer server = nbdkit(CA.issue("server", "example.com", "10.0.0.1"))) {
      assertRefused(trusting(server, CA), "is for example.com, 10.0.0.1 (expected: 127.0.0.1)");
    }
  }

  @Test
  void refusesAnExpiredCertificate() throws Exception {
    Instant yesterday = Instant.now().minus(Duration.ofDays(1));
    TlsFiles.Identity old =
        CA.issue("server", yesterday.minus(Duration.ofDays(9)), yesterday, "127.0.0.1");
    try (ExternalServer server = nbdkit(old)) {
      assertRefused(trusting(server, CA), "expired at");
    }
  }

  @Test
  void saysThatAClientCertificateIsRequired() throws Exception {
    try (ExternalServer server = nbdkit(CA.issue("server", "127.0.0.1"), "--tls-verify-peer")) {
      NbdUri uri = trusting(server, CA);
      assertThatThrownBy(
              () -> {
                try (SecuredChannel channel = SecuredChannel.open(uri)) {
                  channel.export("");
                }
              })
          .isInstanceOf(NbdTlsException.class)
          .hasMessageContaining("requires a client's certificate");
    }
  }

  private static void assertRefused(NbdUri uri, String reason) {
    assertThatThrownBy(() -> SecuredChannel.open(uri).close())
        .isInstanceOf(NbdTlsException.class)
        .hasMessageContaining(reason);
  }
}
