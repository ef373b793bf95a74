package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.server.testkit.ServerFixture;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import io.nbdvault.nbd.tls.TlsServer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** GnuTLS's clients against our server's TLS. */
@Timeout(120)
final class ServerTlsIT {
  private static final TlsFiles CA = new TlsFiles("authority", KeyType.RSA);

  @TempDir Path dir;

  @Test
  void nbdinfoAndNbdcopySpeakTls() throws Exception {
    Path server = CA.server(dir.resolve("server"), CA.issue("localhost", "localhost"));
    Path client = CA.client(dir.resolve("client"), CA.issue("client"));
    TlsServer tls = TlsServer.load(server, true);
    try (ServerFixture fixture = ServerFixture.start(options -> options.withTls(tls, true))) {
      String uri =
          "nbds+unix:///ro?socket=%s&tls-certificates=%s&tls-hostname=localhost"
              .formatted(fixture.socket(), client);
      assertThat(Commands.run("nbdinfo", "--json", uri)).contains("\"TLS\": true");
      Path copy = dir.resolve("copy");
      Commands.run("nbdcopy", uri, copy.toString());
      assertThat(Files.readAllBytes(copy))
          .isEqualTo(fixture.disk().bytes(0, (int) ServerFixture.SIZE_BYTES));
    }
  }

  @Test
  void nbdcopySpeaksTlsWithASharedKey() throws Exception {
    Path keys = TlsFiles.psk(dir, "alice", "00112233445566778899aabbccddeeff");
    TlsServer tls = TlsServer.loadPsk(keys);
    try (ServerFixture fixture = ServerFixture.start(options -> options.withTls(tls, true))) {
      String uri =
          "nbds+unix://alice@/ro?socket=%s&tls-psk-file=%s".formatted(fixture.socket(), keys);
      Path copy = dir.resolve("copy");
      Commands.run("nbdcopy", uri, copy.toString());
      assertThat(Files.readAllBytes(copy))
          .isEqualTo(fixture.disk().bytes(0, (int) ServerFixture.SIZE_BYTES));
    }
  }
}
