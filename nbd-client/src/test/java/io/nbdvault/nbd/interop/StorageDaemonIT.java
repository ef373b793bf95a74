package io.nbdvault.nbd.interop;

import static io.nbdvault.nbd.interop.Export.OPTIONS;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdHandshake;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several exports of one qemu-storage-daemon. */
@Timeout(180)
final class StorageDaemonIT {
  private static final String ODD_NAME = "zwei/ä b&c=%3f+'\"";

  @TempDir Path dir;

  private Path raw;
  private Path qcow2;

  @BeforeEach
  void createDisks() throws Exception {
    raw = dir.resolve("one.raw");
    qcow2 = dir.resolve("two.qcow2");
    Reference.qemuImg("create", "-q", "-f", "raw", raw, "3M");
    Reference.qemuImg("create", "-q", "-f", "qcow2", qcow2, "5M");
    Reference.qemuIo(qcow2, "write -P 7 1M 300k");
    Reference.qemuImg("bitmap", "--add", "-g", "64k", qcow2, "b1");
    Reference.qemuIo(qcow2, "write -P 8 3M 64k");
    // An enabled one cannot be exported read-only.
    Reference.qemuImg("bitmap", "--disable", qcow2, "b1");
  }

  private ExternalServer server() throws Exception {
    return ExternalServer.storageDaemon(
        dir,
        "--blockdev",
        "driver=file,node-name=f1,filename=" + raw,
        "--blockdev",
        "driver=qcow2,node-name=f2,file.driver=file,file.filename=" + qcow2,
        "--export",
        "type=nbd,id=e1,node-name=f1,name=one,description=the first,writable=on",
        "--export",
        "type=nbd,id=e2,node-name=f2,name=" + ODD_NAME + ",allocation-depth=on,bitmaps.0=b1",
        "--export",
        "type=nbd,id=e3,node-name=f2,name=three,description=read by nobody else");
  }

  @Test
  void listsEveryExportWithItsDetailsAsNbdinfoDoes() throws Exception {
    try (ExternalServer server = server()) {
      List<String> expected = new ArrayList<>();
      JsonNode exports = Reference.list(server.uri()).get("exports");
      exports.forEach(export -> expected.add(export.get("export-name").asText()));
      assertThat(expected).containsExactlyInAnyOrder("one", ODD_NAME, "three");
      assertThat(NbdClient.list(server.uri(), OPTIONS)).containsExactlyElementsOf(expected);
      for (JsonNode export : exports) {
        NbdUri uri = server.uri(export.get("export-name").asText());
        ExportFields.assertSame(export, NbdClient.info(uri, OPTIONS));
        ExportFields.assertSameContexts(export, NbdClient.listMetaContexts(uri, OPTIONS));
      }
    }
  }

  @Test
  void readsOneExportAfterAskingForAllOnTheSameConnection() throws Exception {
    try (ExternalServer server = server();
        NbdHandshake handshake = NbdHandshake.connect(server.uri(), OPTIONS)) {
      assertThat(handshake.structuredReplies()).isTrue();
      for (NbdHandshake.ListedExport listed : handshake.list()) {
        assertThat(handshake.info(listed.name()).sizeBytes())
            .isEqualTo(listed.name().equals("one") ? 3 << 20 : 5 << 20);
      }
      String bitmap = "qemu:dirty-bitmap:b1";
      assertThat(handshake.listMetaContexts(ODD_NAME, List.of("qemu:")))
          .containsExactlyInAnyOrder(bitmap, "qemu:allocation-depth");
      assertThat(handshake.setMetaContexts("one", List.of("base:allocation", bitmap)))
          .containsExactly("base:allocation");
      assertThat(handshake.setMetaContexts(ODD_NAME, List.of("base:allocation", bitmap)))
          .containsExactlyInAnyOrder("base:allocation", bitmap);
      try (NbdClient client = handshake.go(ODD_NAME)) {
        NbdUri uri = server.uri(ODD_NAME);
        assertThat(Export.map(client, bitmap)).isEqualTo(Reference.map(uri, bitmap));
        assertThat(Export.sha256(client)).isEqualTo(Reference.sha256(uri));
      }
    }
  }
}
