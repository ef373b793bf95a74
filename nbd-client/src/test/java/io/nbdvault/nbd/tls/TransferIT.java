package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The largest requests of the protocol through TLS, both ways, with nbdcopy as the oracle. */
@Timeout(180)
final class TransferIT {
  private static final int REQUEST_BYTES = 32 << 20;

  @TempDir Path dir;

  private NbdUri secured(NbdUri uri, String kind) throws Exception {
    if (kind.equals("psk")) {
      Path keys = TlsFiles.psk(dir, "alice", "0123456789abcdef0123456789abcdef");
      return uri.withTls(new TlsSettings.Psk(keys, Optional.of("alice")));
    }
    TlsFiles ca = new TlsFiles("authority", KeyType.EC);
    ca.server(dir, ca.issue("server", "localhost"));
    return uri.withTls(
        new TlsSettings.X509(Optional.of(ca.client(dir)), Optional.of("localhost"), true));
  }

  private String serverOption(String kind) {
    return kind.equals("psk")
        ? "--tls-psk=" + dir.resolve("keys.psk")
        : "--tls-certificates=" + dir;
  }

  @ParameterizedTest
  @ValueSource(strings = {"x509", "psk"})
  void readsWhatNbdcopyReads(String kind) throws Exception {
    NbdUri settings = secured(NbdUri.unix(Path.of("x"), ""), kind);
    try (ExternalServer server =
        ExternalServer.nbdkit(
            dir,
            "--tls=require",
            serverOption(kind),
            "sparse-random",
            "128M",
            "seed=5",
            "percent=90")) {
      NbdUri uri = server.uri().withTls(settings.tls().orElseThrow());
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (SecuredChannel channel = SecuredChannel.open(uri)) {
        long sizeBytes = channel.export("");
        assertThat(sizeBytes).isEqualTo(128 << 20);
        for (long offset = 0; offset < sizeBytes; offset += REQUEST_BYTES) {
          channel.requestRead(offset, REQUEST_BYTES);
          assertThat(channel.simpleReply()).isEqualTo(offset);
          channel.readSome(REQUEST_BYTES, bytes -> digest.update(bytes.nioBuffer()));
        }
      }
      String expected =
          Commands.run(
              "bash",
              "-c",
              "set -o pipefail; nbdcopy \"$1\" - | sha256sum",
              "bash",
              uri.toString());
      assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(expected.substring(0, 64));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"x509", "psk"})
  void readsBackWhatItWrote(String kind) throws Exception {
    byte[] sent = new byte[REQUEST_BYTES];
    new Random(7).nextBytes(sent);
    NbdUri settings = secured(NbdUri.unix(Path.of("x"), ""), kind);
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "--tls=require", serverOption(kind), "memory", "64M")) {
      NbdUri uri = server.uri().withTls(settings.tls().orElseThrow());
      try (SecuredChannel channel = SecuredChannel.open(uri)) {
        channel.export("");
        var unused = channel.requestWrite(4096, Unpooled.wrappedBuffer(sent));
        assertThat(channel.simpleReply()).isEqualTo(4096);
        channel.requestRead(4096, REQUEST_BYTES);
        assertThat(channel.simpleReply()).isEqualTo(4096);
        ByteBuf back = channel.read(REQUEST_BYTES);
        assertThat(back.equals(Unpooled.wrappedBuffer(sent))).isTrue();
        back.release();
      }
    }
  }
}
