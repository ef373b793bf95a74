package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pre-shared keys, against nbdkit and qemu-nbd. */
@Timeout(180)
final class PskIT {
  private static final String KEY = "00112233445566778899aabbccddeeff";
  private static final String OTHER_KEY = "ff112233445566778899aabbccddeeff";

  @TempDir Path dir;

  private ExternalServer nbdkit() throws Exception {
    Path keys = TlsFiles.psk(dir.resolve("server"), "alice", KEY, "bob", OTHER_KEY);
    return ExternalServer.nbdkit(dir, "--tls=require", "--tls-psk=" + keys, "memory", "1M");
  }

  private NbdUri with(NbdUri uri, String username, String key) throws Exception {
    Path keys = TlsFiles.psk(dir.resolve("client"), username, key);
    return uri.withTls(new TlsSettings.Psk(keys, Optional.of(username)));
  }

  @Test
  void nbdkitAcceptsTheRightKey() throws Exception {
    try (ExternalServer server = nbdkit();
        SecuredChannel channel = SecuredChannel.open(with(server.uri(), "alice", KEY))) {
      assertThat(channel.export("")).isEqualTo(1 << 20);
    }
  }

  @Test
  void nbdkitRefusesAnotherKey() throws Exception {
    try (ExternalServer server = nbdkit()) {
      assertRefused(with(server.uri(), "alice", OTHER_KEY), "user 'alice'");
    }
  }

  @Test
  void nbdkitRefusesAnUnknownUser() throws Exception {
    try (ExternalServer server = nbdkit()) {
      assertRefused(with(server.uri(), "mallory", KEY), "user 'mallory'");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3:+ECDHE-PSK:+DHE-PSK:+PSK",
        "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-PSK",
        "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-PSK",
        "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK"
      })
  void qemuAcceptsTheRightKeyInEveryVersion(String priority) throws Exception {
    TlsFiles.psk(dir.resolve("server"), "alice", KEY);
    Path disk = dir.resolve("disk");
    Commands.run("qemu-img", "create", "-f", "raw", disk.toString(), "1M");
    try (ExternalServer server =
        ExternalServer.qemuNbd(
            dir,
            "--object",
            "tls-creds-psk,id=tls0,endpoint=server,dir="
                + dir.resolve("server")
                + ",priority="
                + priority,
            "--tls-creds",
            "tls0",
            "-e",
            "4",
            "-f",
            "raw",
            disk.toString())) {
      try (SecuredChannel channel = SecuredChannel.open(with(server.uri(), "alice", KEY))) {
        assertThat(channel.export("")).isEqualTo(1 << 20);
      }
      assertRefused(with(server.uri(), "alice", OTHER_KEY), "user 'alice'");
      assertRefused(with(server.uri(), "mallory", KEY), "user 'mallory'");
    }
  }

  private static void assertRefused(NbdUri uri, String reason) {
    assertThatThrownBy(() -> SecuredChannel.open(uri).close())
        .isInstanceOf(NbdTlsException.class)
        .hasMessageContaining(reason);
  }
}
