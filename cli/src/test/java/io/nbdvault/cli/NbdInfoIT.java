package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.nbd.testkit.TlsFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code nbd info} against {@code nbdinfo}, field by field and line by line. */
@Timeout(180)
class NbdInfoIT {
  @TempDir private Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sparse-random 192M seed=1 percent=30",
        "-r memory 1000003",
        "--no-sr memory 1M",
        "--mask-handshake=0 memory 1M",
        "--mask-handshake=1 memory 1M",
        "--filter=blocksize-policy memory 64M blocksize-minimum=512 blocksize-preferred=64K"
            + " blocksize-maximum=1M",
        "--filter=nozero --filter=fua memory 1M zeromode=none fuamode=emulate",
        "--filter=multi-conn memory 1M multi-conn-mode=disable",
        "--filter=noextents memory 0"
      })
  void tellsOfNbdkitWhatNbdinfoTells(String arguments) throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, arguments.split(" "))) {
      assertLikeNbdinfo(server.uri());
    }
  }

  @Test
  void tellsOfQemuNbdWhatNbdinfoTells() throws Exception {
    Path disk = dir.resolve("disk.qcow2");
    Commands.run("qemu-img", "create", "-q", "-f", "qcow2", disk.toString(), "64M");
    Commands.run("qemu-img", "bitmap", "--add", disk.toString(), "b0");
    try (ExternalServer server =
        ExternalServer.qemuNbd(
            dir, "-r", "-B", "b0", "-A", "-D", "a disk", "-x", "näme/1 x", disk.toString())) {
      assertLikeNbdinfo(server.uri());
      JsonNode export =
          TestRun.of("nbd", "info", "--json", server.uri().toString()).event("export");
      assertThat(export.path("description").textValue()).isEqualTo("a disk");
      assertThat(export.path("contexts").size()).isEqualTo(3);
    }
  }

  private static void assertLikeNbdinfo(NbdUri uri) throws Exception {
    JsonNode reference = NbdReference.nbdinfoJson(uri, "--no-content");
    TestRun json = TestRun.of("nbd", "info", "--json", uri.toString());
    assertThat(json.code()).as(json.err()).isZero();
    assertSameExport(json.event("export"), reference, reference.path("exports").get(0));

    TestRun text = TestRun.of("nbd", "info", uri.toString());
    assertThat(text.code()).isZero();
    assertSameLines(text.out(), NbdReference.nbdinfo(uri, "--no-content"));

    assertThat(TestRun.of("nbd", "info", "--size", uri.toString()).out())
        .isEqualTo(NbdReference.nbdinfo(uri, "--size"));
  }

  private static void assertSameExport(JsonNode ours, JsonNode connection, JsonNode reference) {
    assertThat(ours.path("protocol")).isEqualTo(connection.path("protocol"));
    assertThat(ours.path("tls")).isEqualTo(connection.path("TLS"));
    assertThat(!ours.path("packets").textValue().equals("simple"))
        .isEqualTo(connection.path("structured").booleanValue());
    assertThat(ours.path("name")).isEqualTo(reference.path("export-name"));
    assertThat(NbdUri.parse(ours.path("uri").textValue()))
        .isEqualTo(NbdUri.parse(reference.path("uri").textValue()));
    assertThat(ours.path("sizeBytes").longValue())
        .isEqualTo(reference.path("export-size").longValue());
    assertThat(ours.path("description").asText()).isEqualTo(reference.path("description").asText());
    List<String> contexts = new ArrayList<>();
    reference.path("contexts").forEach(context -> contexts.add(context.textValue()));
    assertThat(ours.path("contexts"))
        .extracting(JsonNode::textValue)
        .containsExactlyElementsOf(contexts);
    reference
        .properties()
        .forEach(
            field -> {
              if (field.getKey().matches("(is|can)_.*")) {
                assertThat(ours.path(NbdReference.camelCase(field.getKey())))
                    .as(field.getKey())
                    .isEqualTo(field.getValue());
              }
            });
    // nbdinfo leaves out what the server does not announce; this is what holds then.
    assertThat(ours.path("minimumBlockBytes").intValue())
        .isEqualTo(reference.path("block_size_minimum").asInt(1));
    assertThat(ours.path("preferredBlockBytes").intValue())
        .isEqualTo(reference.path("block_size_preferred").asInt(4096));
    assertThat(ours.path("maximumBlockBytes").intValue())
        .isEqualTo(reference.path("block_size_maximum").asInt(32 << 20));
  }

  /** But for the size in words, where theirs is exact and ours short. */
  private static void assertSameLines(String ours, String reference) {
    boolean announced = reference.contains("block_size");
    assertThat(comparable(ours, announced)).isEqualTo(comparable(reference, announced));
  }

  private static List<String> comparable(String lines, boolean blockSizes) {
    return lines
        .lines()
        .filter(line -> blockSizes || !line.contains("block_size"))
        .map(line -> line.replaceAll("(export-size: \\d+) .*", "$1"))
        .filter(line -> !line.startsWith("\turi: "))
        .toList();
  }

  @Test
  void listsAllExports() throws Exception {
    Path files = Files.createDirectory(dir.resolve("files"));
    for (int i = 0; i < 40; i++) {
      Files.write(files.resolve("disk " + i), new byte[512 * i]);
    }
    try (ExternalServer server = ExternalServer.nbdkit(dir, "file", "dir=" + files)) {
      JsonNode reference = NbdReference.nbdinfoJson(server.uri(), "--list");
      TestRun json = TestRun.of("nbd", "info", "--list", "--json", server.uri().toString());
      assertThat(json.code()).as(json.err()).isZero();
      assertThat(json.json()).hasSize(40);
      for (int i = 0; i < 40; i++) {
        assertSameExport(json.json().get(i), reference, reference.path("exports").get(i));
      }
      TestRun text = TestRun.of("nbd", "info", "-L", server.uri().toString());
      assertSameLines(text.out(), NbdReference.nbdinfo(server.uri(), "--list"));
    }
  }

  @Test
  void saysWhatAnOldServerCannotDo() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "--mask-handshake=0", "memory", "1M")) {
      assertFails(
          1,
          "the server does not list its exports",
          "nbd",
          "info",
          "--list",
          server.uri().toString());
    }
    try (ExternalServer server = ExternalServer.nbdkit(dir, "-o", "memory", "1M")) {
      assertFails(1, "oldstyle", "nbd", "info", server.uri().toString());
    }
  }

  @Test
  void saysWhatIsNotThere() throws Exception {
    assertFails(
        1, "no such", "nbd", "info", NbdUri.unix(dir.resolve("missing.sock"), "").toString());
    Path disk = Files.write(dir.resolve("disk.raw"), new byte[512]);
    try (ExternalServer server =
        ExternalServer.qemuNbd(dir, "-f", "raw", "-r", "-x", "here", disk.toString())) {
      for (String command : List.of("info", "map")) {
        assertFails(1, "'there'", "nbd", command, server.uri("there").toString());
      }
    }
  }

  /** One sentence on stderr, and with --json the same on stdout. */
  static void assertFails(int code, String part, String... arguments) throws Exception {
    TestRun run = TestRun.of(arguments);
    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.err()).startsWith("nbdvault: ").containsIgnoringCase(part).endsWith("\n");
    assertThat(run.err().lines()).as(run.err()).hasSize(1);
    assertThat(run.out()).isEmpty();
    List<String> withJson = new ArrayList<>(List.of(arguments));
    withJson.add("--json");
    assertThat(TestRun.of(withJson.toArray(String[]::new)).event("error").path("code").intValue())
        .isEqualTo(code);
  }

  @Test
  void speaksTlsWithCertificates() throws Exception {
    TlsFiles ca = new TlsFiles("authority", TlsFiles.KeyType.EC);
    Path serverFiles = ca.server(dir.resolve("server"), ca.issue("server", "127.0.0.1"));
    try (ExternalServer server =
        ExternalServer.nbdkitTcp(
            dir, "--tls=require", "--tls-certificates=" + serverFiles, "memory", "1M")) {
      NbdUri uri =
          server
              .uri()
              .withTls(
                  new TlsSettings.X509(
                      Optional.of(ca.client(dir.resolve("client"))), Optional.empty(), true));
      assertLikeNbdinfo(uri);
      assertThat(TestRun.of("nbd", "info", uri.toString()).out())
          .startsWith("protocol: newstyle-fixed with TLS, using structured packets\n");

      TlsFiles stranger = new TlsFiles("stranger", TlsFiles.KeyType.EC);
      NbdUri wrong =
          server
              .uri()
              .withTls(
                  new TlsSettings.X509(
                      Optional.of(stranger.client(dir.resolve("other"))), Optional.empty(), true));
      assertFails(1, "not trusted", "nbd", "info", wrong.toString());
      assertFails(1, "TLS", "nbd", "info", server.uri().toString());
    }
  }

  @Test
  void speaksTlsWithAKey() throws Exception {
    Path keys = TlsFiles.psk(dir.resolve("psk"), "alice", "00112233445566778899aabbccddeeff");
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "--tls=require", "--tls-psk=" + keys, "memory", "1M")) {
      NbdUri uri = server.uri().withTls(new TlsSettings.Psk(keys, Optional.of("alice")));
      assertThat(TestRun.of("nbd", "info", "--size", uri.toString()).out()).isEqualTo("1048576\n");
      TestRun copy = TestRun.of("nbd", "copy", uri.toString(), "null:");
      assertThat(copy.out()).as(copy.err()).startsWith("1M copied to null:, ");
    }
  }
}
