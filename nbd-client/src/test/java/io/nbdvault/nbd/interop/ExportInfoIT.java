package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.ExportInfo;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdHandshake;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What servers announce, against nbdinfo --json. */
@Timeout(180)
final class ExportInfoIT {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "memory 3M",
        "memory 1000001",
        "memory 7E",
        "-r memory 1M",
        "--no-sr memory 1M",
        "null 1M",
        "zero",
        "full 1M",
        "pattern 1M",
        "sparse-random 1M",
        "data size=1M raw=hello",
        "--filter=nofilter memory 1M",
        "--filter=nozero memory 1M",
        "--filter=nozero memory 1M zeromode=emulate",
        "--filter=nozero memory 1M zeromode=notrim fastzeromode=none",
        "--filter=nozero memory 1M zeromode=plugin fastzeromode=slow",
        "--filter=nozero memory 1M zeromode=plugin fastzeromode=ignore",
        "--filter=noextents memory 1M",
        "--filter=fua memory 1M",
        "--filter=fua memory 1M fuamode=emulate",
        "--filter=fua memory 1M fuamode=native",
        "--filter=fua memory 1M fuamode=force",
        "--filter=fua memory 1M fuamode=pass",
        "--filter=fua memory 1M fuamode=discard",
        "--filter=multi-conn memory 1M",
        "--filter=multi-conn memory 1M multi-conn-mode=plugin",
        "--filter=multi-conn memory 1M multi-conn-mode=disable",
        "--filter=multi-conn memory 1M multi-conn-mode=unsafe",
        "--filter=multi-conn eval multi-conn-mode=emulate get_size=echo+1M can_flush=true flush=true",
        "--filter=readahead memory 1M",
        "--filter=cow sparse-random 1M",
        "--filter=cache memory 1M",
        "--filter=nocache memory 1M",
        "--filter=nocache memory 1M cachemode=emulate",
        "--filter=nocache memory 1M cachemode=nop",
        "--filter=noparallel memory 1M",
        "--filter=blocksize memory 1M minblock=512",
        "--filter=blocksize-policy memory 1M blocksize-minimum=4096 blocksize-maximum=1M",
        "--filter=blocksize-policy memory 1M blocksize-preferred=64K blocksize-minimum=1",
        "--filter=truncate memory 1M truncate=1M round-up=512",
        "--filter=offset memory 3M offset=1M range=1M",
        "--filter=exportname memory 1M exportdesc=fixed:a+description",
      })
  void agreesWithNbdinfoOnNbdkit(String args) throws Exception {
    // A plus stands for a blank within an argument.
    String[] split = args.split(" ", -1);
    for (int i = 0; i < split.length; i++) {
      split[i] = split[i].replace('+', ' ');
    }
    try (ExternalServer server = ExternalServer.nbdkit(dir, split)) {
      assertSame(server.uri());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-f qcow2",
        "-f qcow2 -r",
        "-f qcow2 -r -e 8",
        "-f qcow2 -e 4",
        "-f qcow2 -A",
        "-f qcow2 -B b0",
        "-f qcow2 -r -A -B b0 -e 2 -x vda -D described",
        "-f qcow2 -x ä/b?c",
        "-f qcow2 --discard=unmap --detect-zeroes=unmap",
        "-f qcow2 --cache=none --aio=threads",
        "-f qcow2 --cache=writethrough",
        "-f raw",
      })
  void agreesWithNbdinfoOnQemuNbd(String args) throws Exception {
    Path disk = dir.resolve("disk");
    Reference.qemuImg("create", "-q", "-f", "qcow2", disk, "10M");
    Reference.qemuImg("bitmap", "--add", disk, "b0");
    try (ExternalServer server = ExternalServer.qemuNbd(dir, (args + " " + disk).split(" ", -1))) {
      assertSame(server.uri());
    }
  }

  private static void assertSame(NbdUri uri) throws Exception {
    JsonNode reference = Reference.info(uri);
    JsonNode export = reference.get("exports").get(0);
    ExportInfo info = NbdClient.info(uri, OPTIONS);
    ExportFields.assertSame(export, info);
    List<String> contexts =
        info.structuredReplies() ? NbdClient.listMetaContexts(uri, OPTIONS) : List.of();
    if (info.structuredReplies()) {
      ExportFields.assertSameContexts(export, contexts);
    }
    try (NbdClient client = NbdClient.open(uri, OPTIONS.withMetaContexts(contexts))) {
      ExportFields.assertSame(export, client.export());
      assertThat(client.export().metaContexts()).containsExactlyElementsOf(contexts);
    }
    assertThat(NbdClient.list(uri, OPTIONS)).contains(uri.exportName());
    assertThat(info.structuredReplies()).isEqualTo(reference.get("structured").asBoolean());
    if (reference.has("extended")) {
      // Only a newer nbdinfo knows the word.
      assertThat(info.headerStyle() == HeaderStyle.EXTENDED)
          .isEqualTo(reference.get("extended").asBoolean());
    }
    try (NbdHandshake handshake = NbdHandshake.connect(uri, OPTIONS)) {
      assertThat(handshake.info(uri.exportName()).headerStyle()).isEqualTo(HeaderStyle.SIMPLE);
      handshake.abort();
    }
  }
}
