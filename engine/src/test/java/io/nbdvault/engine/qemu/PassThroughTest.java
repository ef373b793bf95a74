package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpOptions;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A SCSI device of the host, handed to the guest. A QEMU with one needs such a device, so a script
 * answers in its place.
 */
class PassThroughTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String GREETING =
      "{'QMP': {'version': {'qemu': {'micro': 22, 'minor': 2, 'major': 7}, 'package': ''},"
          + " 'capabilities': []}}";
  private static final String NODE =
      "{'node-name': 'sg', 'drv': 'host_device', 'ro': false, 'file': '/dev/sg0', 'image':"
          + " {'filename': '/dev/sg0', 'format': 'host_device', 'virtual-size': 1048576}}";

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"scsi-generic", "scsi-block"})
  void isRefusedInOneSentence(String type) throws Exception {
    assertThatThrownBy(() -> query(type, Set.of()))
        .isInstanceOf(JobException.class)
        .hasMessage(
            "disk 'tape' is a "
                + type
                + ": its guest writes past every filter, so it cannot be backed up live (leave it"
                + " out with --exclude tape)");
  }

  @Test
  void canBeLeftOut() {
    assertThatThrownBy(() -> query("scsi-generic", Set.of("tape")))
        .hasMessage("there is no disk to back up");
  }

  @Test
  void emulatedDeviceIsTaken() throws Exception {
    assertThat(query("scsi-hd", Set.of()).disks())
        .singleElement()
        .extracting(LiveDisk::name)
        .isEqualTo("tape");
  }

  private DiskInventory query(String type, Set<String> exclude) throws Exception {
    Path socket = directory.resolve("qmp");
    try (ScriptedServer server = ScriptedServer.start(socket, client -> serve(client, type));
        QmpClient client = QmpClient.connect(server.path(), QmpOptions.defaults())) {
      BackupRequest all = BackupBench.live("vm", socket);
      BackupRequest request =
          new BackupRequest(
              all.vm(),
              all.source(),
              all.disks(),
              exclude,
              all.full(),
              all.tags(),
              all.force(),
              all.scratch(),
              all.guestAgent(),
              all.freeze(),
              all.rateLimitBytesPerSecond());
      return DiskInventory.query(
          new BlockCommands(client),
          request,
          Optional.empty(),
          new IothreadRule(true, false, "7.2"));
    }
  }

  private static void serve(ScriptedServer.Connection client, String type) throws IOException {
    client.send(json(GREETING));
    while (true) {
      JsonNode request = MAPPER.readTree(client.readLine());
      String answer = answer(request, type);
      String id = ", 'id': " + request.path("id") + "}";
      client.send(
          json(
              answer.isEmpty()
                  ? "{'error': {'class': 'GenericError', 'desc': 'no such thing'}" + id
                  : "{'return': " + answer + id));
    }
  }

  private static String answer(JsonNode request, String type) {
    return switch (request.path("execute").asText()) {
      case "qmp_capabilities" -> "{}";
      case "x-debug-query-block-graph" -> "{'nodes': [], 'edges': []}";
      case "query-named-block-nodes" -> "[" + NODE + "]";
      case "query-block" ->
          "[{'device': '', 'qdev': 'tape', 'type': 'unknown', 'removable': false, 'locked': false,"
              + " 'inserted': "
              + NODE
              + "}]";
      case "qom-get" ->
          request.path("arguments").path("property").asText().equals("type")
                  && request.path("arguments").path("path").asText().endsWith("/tape")
              ? "'" + type + "'"
              : "";
      default -> "";
    };
  }

  private static String json(String text) {
    return text.replace('\'', '"') + "\r\n";
  }
}
