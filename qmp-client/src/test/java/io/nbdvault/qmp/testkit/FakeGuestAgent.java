package io.nbdvault.qmp.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.qmp.testkit.ScriptedServer.Connection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Speaks as the guest agent does, and misbehaves as it is told. It freezes nothing: a real agent
 * started on the test's host would freeze the host's own filesystems.
 */
public final class FakeGuestAgent implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final ScriptedServer server;
  private final List<String> received = new CopyOnWriteArrayList<>();
  private final Map<String, Duration> delays = new ConcurrentHashMap<>();
  private final Map<String, String> replies = new ConcurrentHashMap<>();
  private volatile byte[] noiseBeforeSentinel = new byte[0];
  private volatile boolean frozen;
  private volatile Consumer<String> onCommand = command -> {};

  private FakeGuestAgent(Path socket) throws IOException {
    server = ScriptedServer.start(socket, this::serve);
  }

  public static FakeGuestAgent start(Path socket) throws IOException {
    return new FakeGuestAgent(socket);
  }

  public Path socket() {
    return server.path();
  }

  /** Answers the command only after a time; the agent does nothing else meanwhile. */
  public FakeGuestAgent delay(String command, Duration time) {
    delays.put(command, time);
    return this;
  }

  /** Answers the command with this line, and does not execute it. */
  public FakeGuestAgent reply(String command, String json) {
    replies.put(command, json);
    return this;
  }

  /** Forgets what {@link #delay} and {@link #reply} were told. */
  public FakeGuestAgent behave() {
    delays.clear();
    replies.clear();
    return this;
  }

  /** Tells of each command, before anything else is done about it. */
  public FakeGuestAgent onCommand(Consumer<String> listener) {
    onCommand = listener;
    return this;
  }

  /** Sends these bytes before the 0xFF of every synchronisation. */
  public FakeGuestAgent noiseBeforeSentinel(String noise) {
    noiseBeforeSentinel = noise.getBytes(StandardCharsets.UTF_8);
    return this;
  }

  public FakeGuestAgent frozen(boolean value) {
    frozen = value;
    return this;
  }

  public boolean isFrozen() {
    return frozen;
  }

  /** Returns the commands received so far, without the synchronisations. */
  public List<String> received() {
    return received.stream().filter(command -> !command.equals("guest-sync-delimited")).toList();
  }

  /** Returns how many synchronisations were asked for. */
  public int synchronisations() {
    return received.size() - received().size();
  }

  private void serve(Connection client) throws IOException {
    while (true) {
      String line = client.readLine();
      // The real agent's parser starts afresh at 0xFF.
      JsonNode request = MAPPER.readTree(line.substring(line.lastIndexOf(0xFF) + 1));
      String command = request.path("execute").asText();
      received.add(command);
      onCommand.accept(command);
      sleep(delays.getOrDefault(command, Duration.ZERO));
      String scripted = replies.get(command);
      if (scripted != null) {
        client.send(scripted + "\n");
      } else if (command.equals("guest-sync-delimited")) {
        synchronise(client, request.path("arguments").path("id").asLong());
      } else {
        client.send(execute(command) + "\n");
      }
    }
  }

  private void synchronise(Connection client, long id) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(noiseBeforeSentinel);
    bytes.write(0xFF);
    bytes.writeBytes(("{\"return\": " + id + "}\n").getBytes(StandardCharsets.UTF_8));
    client.send(bytes.toByteArray());
  }

  private String execute(String command) {
    return switch (command) {
      case "guest-fsfreeze-status" -> "{\"return\": \"" + (frozen ? "frozen" : "thawed") + "\"}";
      case "guest-fsfreeze-freeze" -> {
        frozen = true;
        yield "{\"return\": 2}";
      }
      case "guest-fsfreeze-thaw" -> {
        int thawed = frozen ? 2 : 0;
        frozen = false;
        yield "{\"return\": " + thawed + "}";
      }
      case "guest-info" -> info();
      default ->
          "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command "
              + command
              + " has not been found\"}}";
    };
  }

  private static String info() {
    return "{\"return\": {\"version\": \"7.2.0\", \"supported_commands\": ["
        + enabled("guest-fsfreeze-freeze", true)
        + ", "
        + enabled("guest-fsfreeze-thaw", true)
        + ", "
        + enabled("guest-fsfreeze-status", true)
        + ", "
        + enabled("guest-exec", false)
        + "]}}";
  }

  private static String enabled(String command, boolean value) {
    return "{\"enabled\": "
        + value
        + ", \"name\": \""
        + command
        + "\", \"success-response\": true}";
  }

  private static void sleep(Duration time) throws IOException {
    try {
      Thread.sleep(time.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
