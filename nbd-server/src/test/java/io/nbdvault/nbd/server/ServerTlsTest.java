package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.server.testkit.RawClient;
import io.nbdvault.nbd.server.testkit.ServerFixture;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import io.nbdvault.nbd.tls.TlsServer;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS with certificates, from the outside. */
@Timeout(60)
final class ServerTlsTest {
  private static final TlsFiles CA = new TlsFiles("authority", KeyType.EC);
  private static final NbdClientOptions OPTIONS = NbdClientOptions.defaults();
  private static final int SIZE = (int) ServerFixture.SIZE_BYTES;

  @TempDir Path dir;

  private ServerFixture start(boolean verifiesClients, boolean isRequired) throws Exception {
    Path files = CA.server(dir.resolve("server"), CA.issue("server", "localhost"));
    TlsServer tls = TlsServer.load(files, verifiesClients);
    return ServerFixture.start(options -> options.withTls(tls, isRequired));
  }

  private NbdUri uri(ServerFixture fixture, String name, Path clientFiles) {
    return fixture
        .uri(name)
        .withTls(new TlsSettings.X509(Optional.of(clientFiles), Optional.of("localhost"), true));
  }

  @Test
  void readsAndWritesOverTls() throws Exception {
    Path files = CA.client(dir.resolve("client"));
    try (ServerFixture fixture = start(false, true)) {
      try (NbdClient client = NbdClient.open(uri(fixture, "ro", files), OPTIONS)) {
        ByteBuffer read = client.blocking().read(0, SIZE);
        assertThat(read).isEqualTo(ByteBuffer.wrap(fixture.disk().bytes(0, SIZE)));
      }
      try (NbdClient client = NbdClient.open(uri(fixture, "rw", files), OPTIONS)) {
        client.blocking().write(0, ByteBuffer.wrap(fixture.disk().bytes(0, SIZE)));
        assertThat(fixture.writable().bytes(0, SIZE)).isEqualTo(fixture.disk().bytes(0, SIZE));
      }
      assertThatThrownBy(() -> NbdClient.open(fixture.uri("ro"), OPTIONS))
          .hasMessageContaining("requires TLS");
      assertThat(fixture.exports().opened()).isGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void clientNeedsACertificateWhereClientsAreVerified() throws Exception {
    Path anonymous = CA.client(dir.resolve("anonymous"));
    Path known = CA.client(dir.resolve("known"), CA.issue("client"));
    TlsFiles stranger = new TlsFiles("authority", KeyType.EC);
    Path strange = CA.client(dir.resolve("strange"), stranger.issue("client"));
    try (ServerFixture fixture = start(true, false)) {
      assertThatThrownBy(() -> NbdClient.open(uri(fixture, "ro", strange), OPTIONS))
          .isInstanceOf(NbdException.class);
      assertThatThrownBy(() -> NbdClient.open(uri(fixture, "ro", anonymous), OPTIONS))
          .isInstanceOf(NbdException.class);
      assertThat(fixture.exports().opened()).isZero();
      try (NbdClient client = NbdClient.open(uri(fixture, "ro", known), OPTIONS)) {
        assertThat(client.blocking().read(0, 4096))
            .isEqualTo(ByteBuffer.wrap(fixture.disk().bytes(0, 4096)));
      }
    }
  }

  @Test
  void sharedKeyIsEnoughAndNeeded() throws Exception {
    Path keys = TlsFiles.psk(dir, "alice", "00112233445566778899aabbccddeeff");
    Path other = TlsFiles.psk(Files.createDirectory(dir.resolve("other")), "alice", "0011");
    Path nobody = TlsFiles.psk(Files.createDirectory(dir.resolve("nobody")), "bob", "0011");
    TlsServer tls = TlsServer.loadPsk(keys);
    try (ServerFixture fixture = ServerFixture.start(options -> options.withTls(tls, true))) {
      NbdUri uri = fixture.uri("rw");
      try (NbdClient client = NbdClient.open(uri.withTls(psk(keys)), OPTIONS)) {
        client.blocking().write(0, ByteBuffer.wrap(fixture.disk().bytes(0, SIZE)));
        assertThat(client.blocking().read(0, SIZE))
            .isEqualTo(ByteBuffer.wrap(fixture.disk().bytes(0, SIZE)));
      }
      int opened = fixture.exports().opened();
      assertThat(opened).isPositive();
      for (Path wrong : new Path[] {other, nobody}) {
        assertThatThrownBy(() -> NbdClient.open(uri.withTls(psk(wrong)), OPTIONS))
            .isInstanceOf(NbdException.class);
      }
      assertThat(fixture.exports().opened()).isEqualTo(opened);
    }
  }

  private static TlsSettings psk(Path keys) {
    return new TlsSettings.Psk(keys, Optional.empty());
  }

  @Test
  void refusesPlainTextBufferedBehindStartTls() throws Exception {
    try (ServerFixture fixture = start(false, false);
        RawClient client = RawClient.greeted(fixture.socket())) {
      client.send(
          o -> {
            OptionEncoder.plain(o, NbdProtocol.OPT_STARTTLS);
            OptionEncoder.plain(o, NbdProtocol.OPT_LIST);
          });
      assertThat(client.bytesUntilClosed()).isZero();
    }
  }

  @Test
  void dropsClientThatSpeaksPlainTextInsteadOfTls() throws Exception {
    try (ServerFixture fixture = start(false, false);
        RawClient client = RawClient.greeted(fixture.socket())) {
      assertThat(client.askForType(o -> OptionEncoder.plain(o, NbdProtocol.OPT_STARTTLS)))
          .isEqualTo(NbdProtocol.REP_ACK);
      client.send(o -> OptionEncoder.plain(o, NbdProtocol.OPT_LIST));
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void dropsClientThatNeverShakesHands() throws Exception {
    Path files = CA.server(dir.resolve("server"), CA.issue("server", "localhost"));
    TlsServer tls = TlsServer.load(files, false);
    ServerLimits quick = new ServerLimits(9, 300, 9, 9, 16, 1 << 20, 1 << 20, 60_000, 1);
    try (ServerFixture fixture =
            ServerFixture.start(options -> options.withTls(tls, false).withLimits(quick));
        RawClient client = RawClient.greeted(fixture.socket())) {
      client.askForType(o -> OptionEncoder.plain(o, NbdProtocol.OPT_STARTTLS));
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void saysWhatIsWrongWithItsFiles() throws Exception {
    assertThatThrownBy(() -> TlsServer.load(dir.resolve("none"), false))
        .hasMessageContaining("no such directory");
    Path empty = CA.client(dir.resolve("empty"));
    assertThatThrownBy(() -> TlsServer.load(empty, false))
        .hasMessageContaining("no server-cert.pem");
    Path server = CA.server(dir.resolve("keys"), CA.issue("server", "localhost"));
    Files.delete(server.resolve("ca-cert.pem"));
    assertThatThrownBy(() -> TlsServer.load(server, true)).hasMessageContaining("no ca-cert.pem");
  }
}
