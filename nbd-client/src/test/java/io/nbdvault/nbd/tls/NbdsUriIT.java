package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole client on nbds URIs, against nbdkit. */
@Timeout(180)
final class NbdsUriIT {
  private static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults()
          .withHandshakeTimeout(Duration.ofSeconds(10))
          .withRequestTimeout(Duration.ofSeconds(30));
  private static final String KEY = "00112233445566778899aabbccddeeff";
  private static final int READ_BYTES = 256 << 10;
  private static final int READS_AHEAD = 64;

  @TempDir Path dir;

  private ExternalServer serve(String kind, String... more) throws Exception {
    List<String> args = new ArrayList<>();
    if (kind.equals("psk")) {
      args.add("--tls-psk=" + TlsFiles.psk(dir, "alice", KEY));
    } else {
      TlsFiles ca = new TlsFiles("authority", KeyType.EC);
      ca.server(dir, ca.issue("server", "127.0.0.1"));
      ca.client(dir, ca.issue("client"));
      args.addAll(List.of("--tls-verify-peer", "--tls-certificates=" + dir));
    }
    args.addAll(List.of(more));
    return ExternalServer.nbdkitTcp(dir, args.toArray(String[]::new));
  }

  private NbdUri secured(String kind, ExternalServer server) {
    int port = ((NbdUri.Endpoint.Tcp) server.uri().endpoint()).port();
    return NbdUri.parse(
        kind.equals("psk")
            ? "nbds://alice@127.0.0.1:" + port + "/?tls-psk-file=" + dir.resolve("keys.psk")
            : "nbds://127.0.0.1:" + port + "/?tls-certificates=" + dir);
  }

  @ParameterizedTest
  @CsvSource({"x509, 1", "x509, 4", "psk, 1", "psk, 4"})
  void readsWhatNbdcopyReads(String kind, int connections) throws Exception {
    try (ExternalServer server =
        serve(kind, "--tls=require", "sparse-random", "128M", "seed=6", "percent=90")) {
      NbdUri uri = secured(kind, server);
      try (NbdClient client = NbdClient.open(uri, OPTIONS.withConnections(connections))) {
        String expected =
            Commands.run(
                "bash",
                "-c",
                "set -o pipefail; nbdcopy \"$1\" - | sha256sum",
                "bash",
                uri.toString());
        assertThat(sha256(client)).isEqualTo(expected.substring(0, 64));
      }
    }
  }

  private static String sha256(NbdClient client) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    Queue<ByteBuffer> buffers = new ArrayDeque<>();
    Queue<CompletableFuture<Void>> reads = new ArrayDeque<>();
    long sizeBytes = client.export().sizeBytes();
    for (long offset = 0; offset < sizeBytes || !reads.isEmpty(); ) {
      if (offset < sizeBytes && reads.size() < READS_AHEAD) {
        int length = (int) Math.min(READ_BYTES, sizeBytes - offset);
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        buffers.add(buffer);
        reads.add(client.read(offset, buffer));
        offset += length;
      } else {
        await(reads.remove());
        digest.update(buffers.remove().flip());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static <T> T await(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw e;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"x509", "psk"})
  void writesTheLargestPayloads(String kind) throws Exception {
    byte[] content = new byte[48 << 20];
    new Random(8).nextBytes(content);
    try (ExternalServer server = serve(kind, "--tls=require", "memory", "64M");
        NbdClient client = NbdClient.open(secured(kind, server), OPTIONS)) {
      await(client.write(1 << 20, ByteBuffer.wrap(content)));
      ByteBuffer back = ByteBuffer.allocate(content.length);
      await(client.read(1 << 20, back));
      assertThat(back.flip().equals(ByteBuffer.wrap(content))).isTrue();
    }
  }

  @Test
  void infoAndListAreSecuredToo() throws Exception {
    try (ExternalServer server = serve("psk", "--tls=require", "memory", "1M")) {
      NbdUri uri = secured("psk", server);
      assertThat(NbdClient.info(uri, OPTIONS).sizeBytes()).isEqualTo(1 << 20);
      assertThat(NbdClient.list(uri, OPTIONS)).hasSize(1);
      assertThat(NbdClient.listMetaContexts(uri, OPTIONS)).contains("base:allocation");
    }
  }

  @Test
  void saysThatTlsIsRequired() throws Exception {
    try (ExternalServer server = serve("psk", "--tls=require", "memory", "1M")) {
      assertThatThrownBy(() -> NbdClient.open(server.uri(), OPTIONS).close())
          .isInstanceOf(NbdServerException.class)
          .hasMessageContaining("TLS");
    }
  }

  @Test
  void aServerThatOffersTlsIsOpenToBoth() throws Exception {
    try (ExternalServer server = serve("psk", "--tls=on", "memory", "1M")) {
      NbdClient.open(server.uri(), OPTIONS).close();
      NbdClient.open(secured("psk", server), OPTIONS).close();
    }
  }

  @Test
  void doesNotGoOnWithoutTls() throws Exception {
    for (List<String> without :
        List.of(
            List.of("--tls=off", "memory", "1M"), List.of("--mask-handshake=0", "memory", "1M"))) {
      TlsFiles.psk(dir, "alice", KEY);
      try (ExternalServer server = ExternalServer.nbdkitTcp(dir, without.toArray(String[]::new))) {
        assertThatThrownBy(() -> NbdClient.open(secured("psk", server), OPTIONS).close())
            .isInstanceOf(NbdException.class)
            .hasMessageContaining("TLS");
      }
    }
  }

  @Test
  void saysThatNbdkitWantsAnotherKeyOrCertificate() throws Exception {
    try (ExternalServer server = serve("psk", "--tls=require", "memory", "1M")) {
      Path wrong = TlsFiles.psk(dir.resolve("wrong"), "alice", "00");
      NbdUri uri = server.uri().withTls(new TlsSettings.Psk(wrong, Optional.empty()));
      assertRefused(uri, "does not know the user 'alice' or has another key");
    }
    try (ExternalServer server = serve("x509", "--tls=require", "memory", "1M")) {
      Path other = dir.resolve("other");
      new TlsFiles("stranger", KeyType.EC).client(other);
      NbdUri uri = NbdUri.parse(secured("x509", server) + "/other");
      assertRefused(uri, "is not among the authorities of");
      Files.copy(
          dir.resolve("ca-cert.pem"),
          other.resolve("ca-cert.pem"),
          StandardCopyOption.REPLACE_EXISTING);
      assertRefused(uri, "the server requires a client's certificate, and none is given");
    }
  }

  private static void assertRefused(NbdUri uri, String reason) {
    assertThatThrownBy(() -> NbdClient.open(uri, OPTIONS).close())
        .isInstanceOf(NbdTlsException.class)
        .hasMessageContaining(reason);
  }
}
