package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that shows its content to those who come with TLS, and a notice to all others. */
@Timeout(180)
final class TlsFallbackIT {
  private static final String KEY = "00112233445566778899aabbccddeeff";

  @TempDir Path dir;

  @Test
  void showsItsContentOnlyOverTls() throws Exception {
    Path keys = TlsFiles.psk(dir.resolve("keys"), "alice", KEY);
    try (ExternalServer server =
        ExternalServer.nbdkit(
            dir,
            "--tls=on",
            "--tls-psk=" + keys,
            "--filter=tls-fallback",
            "sparse-random",
            "8M",
            "seed=7",
            "tlsreadme=come with TLS")) {
      try (NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
        assertThat(client.export().readOnly()).isTrue();
        assertThat(client.blocking().read(0, 13).array())
            .isEqualTo("come with TLS".getBytes(StandardCharsets.UTF_8));
        assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(server.uri()));
      }
      NbdUri secure = server.uri().withTls(new TlsSettings.Psk(keys, Optional.of("alice")));
      try (NbdClient client = NbdClient.open(secure, OPTIONS)) {
        assertThat(client.export().sizeBytes()).isEqualTo(8 << 20);
        assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(secure));
      }
    }
  }
}
