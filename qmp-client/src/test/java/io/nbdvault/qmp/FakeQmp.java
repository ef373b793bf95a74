package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.qmp.testkit.ScriptedServer;
import io.nbdvault.qmp.testkit.ScriptedServer.Connection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A QMP monitor that greets, negotiates, and then follows the test's script. */
final class FakeQmp {
  static final String GREETING =
      "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7},"
          + " \"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private FakeQmp() {}

  static ScriptedServer start(Path socket, ScriptedServer.Script script) throws IOException {
    return ScriptedServer.start(
        socket,
        client -> {
          client.send(GREETING);
          reply(client, request(client), "{}");
          script.run(client);
        });
  }

  static JsonNode request(Connection client) throws IOException {
    return MAPPER.readTree(client.readLine().getBytes(StandardCharsets.ISO_8859_1));
  }

  static void reply(Connection client, JsonNode request, String json) throws IOException {
    client.send("{\"return\": " + json + ", \"id\": " + request.path("id") + "}\r\n");
  }

  static void refuse(Connection client, JsonNode request, String desc) throws IOException {
    client.send(
        "{\"id\": "
            + request.path("id")
            + ", \"error\": {\"class\": \"GenericError\", \"desc\": \""
            + desc
            + "\"}}\r\n");
  }

  static void event(Connection client, String name, int number) throws IOException {
    client.send(
        "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 250000}, \"event\": \""
            + name
            + "\", \"data\": {\"number\": "
            + number
            + "}}\r\n");
  }
}
