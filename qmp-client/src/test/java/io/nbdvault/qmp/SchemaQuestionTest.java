package io.nbdvault.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.testkit.ScriptedServer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When a QEMU is asked for its schema, by what its greeting says: here 7.2. */
@Timeout(60)
class SchemaQuestionTest {
  private static final String SCHEMA =
      "[{\"meta-type\": \"command\", \"name\": \"copy\", \"arg-type\": \"1\"},"
          + " {\"meta-type\": \"object\", \"name\": \"1\","
          + " \"members\": [{\"name\": \"from\", \"type\": \"str\"}]}]";

  @TempDir Path dir;

  @Test
  void onlyAReleaseThatMayNotHaveItIsAskedAndOnce() throws Exception {
    List<String> asked = new CopyOnWriteArrayList<>();
    try (ScriptedServer server =
            FakeQmp.start(
                dir.resolve("qmp"),
                client -> {
                  JsonNode request = FakeQmp.request(client);
                  asked.add(request.path("execute").asText());
                  FakeQmp.reply(client, request, SCHEMA);
                  client.waitForEnd();
                });
        QmpClient client = QmpClient.connect(server.path(), QmpOptions.defaults())) {
      BlockCommands commands = new BlockCommands(client);
      assertThat(commands.takes("copy", "to", 7, 2)).isTrue();
      assertThat(commands.takes("copy", "to", 5, 2)).isTrue();
      assertThat(asked).isEmpty();
      assertThat(commands.takes("copy", "from", 7, 3)).isTrue();
      assertThat(commands.takes("copy", "to", 8, 0)).isFalse();
      assertThat(asked).containsExactly("query-qmp-schema");
    }
  }
}
