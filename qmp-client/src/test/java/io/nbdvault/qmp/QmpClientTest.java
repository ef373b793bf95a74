package io.nbdvault.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import io.nbdvault.qmp.testkit.ScriptedServer;
import io.nbdvault.qmp.testkit.ScriptedServer.Connection;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QmpClientTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir Path dir;

  private ScriptedServer serve(ScriptedServer.Script script) throws IOException {
    return FakeQmp.start(dir.resolve("qmp"), script);
  }

  private static QmpClient connect(ScriptedServer server, Duration commandTimeout)
      throws QmpException {
    return QmpClient.connect(server.path(), new QmpOptions(LONG, commandTimeout, 1 << 16));
  }

  private static void echoForEver(Connection client) throws IOException {
    while (true) {
      JsonNode request = FakeQmp.request(client);
      FakeQmp.reply(client, request, "\"" + request.path("execute").asText() + "\"");
    }
  }

  @Test
  void sendsCommandArgumentsAndId() throws Exception {
    CompletableFuture<JsonNode> seen = new CompletableFuture<>();
    try (ScriptedServer server =
            serve(
                client -> {
                  JsonNode request = FakeQmp.request(client);
                  seen.complete(request);
                  FakeQmp.reply(client, request, "[1, 2]");
                  client.waitForEnd();
                });
        QmpClient client = connect(server, LONG)) {
      ObjectNode arguments = JsonNodeFactory.instance.objectNode().put("name", "käse");
      assertThat(client.execute("do-it", arguments).size()).isEqualTo(2);
      assertThat(seen.get().path("execute").asText()).isEqualTo("do-it");
      assertThat(seen.get().path("arguments").path("name").asText()).isEqualTo("käse");
    }
  }

  @Test
  void matchesRepliesThatComeOutOfOrder() throws Exception {
    try (ScriptedServer server =
            serve(
                client -> {
                  JsonNode first = FakeQmp.request(client);
                  JsonNode second = FakeQmp.request(client);
                  FakeQmp.reply(client, second, "\"second\"");
                  FakeQmp.reply(client, first, "\"first\"");
                  client.waitForEnd();
                });
        QmpClient client = connect(server, LONG)) {
      CompletableFuture<JsonNode> a = client.executeAsync("a", null);
      CompletableFuture<JsonNode> b = client.executeAsync("b", null);
      assertThat(a.get().asText()).isEqualTo("first");
      assertThat(b.get().asText()).isEqualTo("second");
    }
  }

  @Test
  void refusedCommandLeavesTheSessionOpen() throws Exception {
    try (ScriptedServer server =
            serve(
                client -> {
                  FakeQmp.refuse(client, FakeQmp.request(client), "node is in use");
                  echoForEver(client);
                });
        QmpClient client = connect(server, LONG)) {
      assertThatThrownBy(() -> client.execute("blockdev-del"))
          .isInstanceOfSatisfying(
              QmpCommandException.class,
              e -> {
                assertThat(e.errorClass()).isEqualTo("GenericError");
                assertThat(e.desc()).isEqualTo("node is in use");
                assertThat(e.command()).isEqualTo("blockdev-del");
              })
          .hasStackTraceContaining("refusedCommandLeavesTheSessionOpen");
      assertThat(client.execute("again").asText()).isEqualTo("again");
    }
  }

  @Test
  void passedDeadlineEndsTheSession() throws Exception {
    try (ScriptedServer server = serve(Connection::waitForEnd);
        QmpClient client = connect(server, Duration.ofMillis(200))) {
      CompletableFuture<JsonNode> behind = client.executeAsync("first", null);
      assertThatThrownBy(() -> client.execute("stuck"))
          .isInstanceOfSatisfying(
              QmpDisconnectedException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.DEADLINE));
      assertThat(behind).isCompletedExceptionally();
      client.closed().get(5, TimeUnit.SECONDS);
      assertThat(client.isOpen()).isFalse();
      assertThatThrownBy(() -> client.execute("late")).isInstanceOf(QmpDisconnectedException.class);
    }
  }

  @Test
  void endOfThePeerFailsEveryCommandUnderWay() throws Exception {
    try (ScriptedServer server =
            serve(
                client -> {
                  JsonNode first = FakeQmp.request(client);
                  JsonNode second = FakeQmp.request(client);
                  assertThat(first).isNotEqualTo(second);
                });
        QmpClient client = connect(server, LONG)) {
      CompletableFuture<JsonNode> first = client.executeAsync("first", null);
      assertThatThrownBy(() -> client.execute("second"))
          .isInstanceOfSatisfying(
              QmpDisconnectedException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED_BY_PEER))
          .hasMessageStartingWith("second: ");
      assertThatThrownBy(() -> first.get(5, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(QmpDisconnectedException.class);
      client.closed().get(5, TimeUnit.SECONDS);
      assertThat(client.endReason()).isInstanceOf(QmpDisconnectedException.class);
    }
  }

  @Test
  void closingFailsTheCommandUnderWay() throws Exception {
    try (ScriptedServer server = serve(Connection::waitForEnd)) {
      QmpClient client = connect(server, LONG);
      CompletableFuture<JsonNode> reply = client.executeAsync("slow", null);
      client.close();
      client.close();
      assertThatThrownBy(() -> reply.get(5, TimeUnit.SECONDS))
          .cause()
          .isInstanceOfSatisfying(
              QmpDisconnectedException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED_HERE));
      client.closed().get(5, TimeUnit.SECONDS);
    }
  }

  @Test
  void rejectsMessageLongerThanTheLimit() throws Exception {
    rejects("{\"return\": \"" + "x".repeat(1 << 17), "more than 65536 bytes");
  }

  @Test
  void rejectsMalformedJson() throws Exception {
    rejects("{\"return\": {]}\r\n", "malformed JSON");
  }

  @Test
  void rejectsTextBetweenObjects() throws Exception {
    rejects("Segmentation fault\r\n", "not JSON: Segmentation fault");
  }

  @Test
  void rejectsReplyToNoCommand() throws Exception {
    rejects("{\"return\": {}, \"id\": 4711}\r\n", "reply to no command");
  }

  @Test
  void rejectsObjectThatIsNeitherReplyNorEvent() throws Exception {
    rejects("{\"hello\": {}}\r\n", "neither a reply nor an event");
  }

  private void rejects(String answer, String message) throws Exception {
    try (ScriptedServer server =
            serve(
                client -> {
                  JsonNode unused = FakeQmp.request(client);
                  client.send(answer);
                  client.waitForEnd();
                });
        QmpClient client = connect(server, LONG)) {
      assertThatThrownBy(() -> client.execute("query"))
          .isInstanceOf(QmpProtocolException.class)
          .hasMessageContaining(message);
      client.closed().get(5, TimeUnit.SECONDS);
      assertThat(client.isOpen()).isFalse();
    }
  }

  @Test
  void refusesMoreThanTheLimitOfUnansweredCommands() throws Exception {
    try (ScriptedServer server = serve(Connection::waitForEnd);
        QmpClient client = connect(server, LONG)) {
      List<CompletableFuture<JsonNode>> replies = new ArrayList<>();
      for (int i = 0; i < PendingCommands.COMMANDS_MAX; i++) {
        replies.add(client.executeAsync("slow", null));
      }
      assertThatThrownBy(() -> client.executeAsync("one-more", null).get(5, TimeUnit.SECONDS))
          .hasCauseInstanceOf(IllegalStateException.class)
          .hasMessageContaining("256 commands are already unanswered");
      assertThat(replies).noneMatch(CompletableFuture::isDone);
    }
  }

  @Test
  void interruptedCallerGetsItsReplyAndKeepsItsFlag() throws Exception {
    try (ScriptedServer server = serve(QmpClientTest::echoForEver);
        QmpClient client = connect(server, LONG)) {
      Thread.currentThread().interrupt();
      assertThat(client.execute("transaction").asText()).isEqualTo("transaction");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void refusesToBlockOnTheEventLoop() throws Exception {
    CountDownLatch attached = new CountDownLatch(1);
    try (ScriptedServer server =
            serve(
                client -> {
                  JsonNode request = FakeQmp.request(client);
                  awaitLatch(attached);
                  FakeQmp.reply(client, request, "{}");
                  echoForEver(client);
                });
        QmpClient client = connect(server, LONG)) {
      CompletableFuture<JsonNode> onLoop =
          client.executeAsync("first", null).thenApply(json -> executeUnchecked(client));
      attached.countDown();
      assertThatThrownBy(() -> onLoop.get(5, TimeUnit.SECONDS))
          .hasCauseInstanceOf(IllegalStateException.class)
          .hasMessageContaining("blocking call on the event loop");
    }
  }

  private static JsonNode executeUnchecked(QmpClient client) {
    try {
      return client.execute("second");
    } catch (QmpException e) {
      throw new AssertionError(e);
    }
  }

  private static void awaitLatch(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(10, TimeUnit.SECONDS)) {
        throw new IOException("the test did not go on");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
