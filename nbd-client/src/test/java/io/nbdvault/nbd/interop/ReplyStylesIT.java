package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdHandshake;
import io.nbdvault.nbd.client.WriteFlag;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Servers that know less than everything: simple replies, plain newstyle, oldstyle. */
@Timeout(180)
final class ReplyStylesIT {
  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({
    "--no-sr,              true,  SIMPLE",
    "--mask-handshake=0,   false, SIMPLE",
    "--mask-handshake=1,   true,  STRUCTURED",
    "--mask-handshake=2,   false, SIMPLE",
    "--mask-handshake=3,   true,  STRUCTURED",
  })
  void readsAndWritesWhateverTheServerKnows(String how, boolean fixedNewstyle, HeaderStyle style)
      throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, how, "memory", "32M");
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(client.export().headerStyle()).isEqualTo(style);
      assertThat(client.export().metaContexts()).hasSize(style == HeaderStyle.SIMPLE ? 0 : 1);
      byte[] data = new byte[5_000_000];
      Arrays.fill(data, (byte) 0x5a);
      client.blocking().write(1_000_000, ByteBuffer.wrap(data), WriteFlag.FUA);
      client.blocking().writeZeroes(1_050_000, 10_000);
      assertThat(client.blocking().read(1_000_000, 60_001))
          .isEqualTo(
              ByteBuffer.allocate(60_001).put(0, data, 0, 50_000).put(60_000, (byte) 0x5a).clear());
      client.blocking().flush();
      assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(server.uri()));
      assertThat(protocol(server)).isEqualTo(fixedNewstyle ? "newstyle-fixed" : "newstyle");
    }
  }

  private static String protocol(ExternalServer server) throws Exception {
    String reference = Reference.info(server.uri()).get("protocol").asText();
    try (NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThat(handshake.fixedNewstyle()).isEqualTo(reference.equals("newstyle-fixed"));
    }
    return reference;
  }

  @Test
  void saysThatPlainNewstyleCanOnlyBeOpened() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "--mask-handshake=0", "memory", "1M")) {
      assertThatThrownBy(() -> NbdClient.list(server.uri(), OPTIONS))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.ENOTSUP))
          .hasMessageContaining("no fixed newstyle");
    }
  }

  @Test
  void refusesOldstyleInOneSentence() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "-o", "memory", "1M")) {
      assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("oldstyle")
          .hasMessageNotContaining("\n");
    }
  }
}
