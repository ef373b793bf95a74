package io.nbdvault.qmp.agent;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.JsonSocket;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpDisconnectedException;
import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpProtocolException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sends one request at a time and finds its answer. What answers nothing is dropped. The caller
 * sees to it that there is one request at a time; {@code awaited} belongs to the event loop.
 */
final class AgentExchange implements JsonSocket.Receiver {
  private static final byte SENTINEL = (byte) 0xFF;
  private static final String SYNC = "guest-sync-delimited";

  /** Ids stay below 2^53, which every JSON reader keeps exactly. */
  private static final int ID_SHIFT = 11;

  private final SecureRandom random = new SecureRandom();
  private final JsonSocket socket;
  private volatile boolean synchronised;
  private @Nullable Awaited awaited;
  private volatile @Nullable QmpException ended;

  /**
   * The answer that is waited for.
   *
   * @param syncId the id that a synchronisation must return, or null for a command
   */
  private record Awaited(
      String command, @Nullable Long syncId, CompletableFuture<JsonNode> reply) {}

  AgentExchange(JsonSocket socket) {
    this.socket = socket;
  }

  /** Returns whether the next object to come answers the next command. */
  boolean isSynchronised() {
    return synchronised;
  }

  void synchronise(Deadline deadline) throws QmpException {
    long id = random.nextLong() >>> ID_SHIFT;
    String text = "{\"execute\":\"" + SYNC + "\",\"arguments\":{\"id\":" + id + "}}\n";
    byte[] json = text.getBytes(StandardCharsets.UTF_8);
    byte[] request = new byte[json.length + 1];
    request[0] = SENTINEL;
    System.arraycopy(json, 0, request, 1, json.length);
    var unused = exchange(new Awaited(SYNC, id, new CompletableFuture<>()), request, deadline);
    synchronised = true;
  }

  JsonNode run(String command, Deadline deadline) throws QmpException {
    String text = "{\"execute\":\"" + command + "\"}\n";
    return exchange(
        new Awaited(command, null, new CompletableFuture<>()),
        text.getBytes(StandardCharsets.UTF_8),
        deadline);
  }

  private JsonNode exchange(Awaited next, byte[] request, Deadline deadline) throws QmpException {
    if (!socket.execute(() -> begin(next, request))) {
      next.reply.completeExceptionally(whyEnded());
    }
    Duration patience = deadline.left();
    try {
      return JsonSocket.await(
          next.reply, patience, socket.path() + ": " + next.command + ": no answer");
    } catch (QmpCommandException e) {
      throw e;
    } catch (QmpException e) {
      // The answer may still come, and would be taken for the next command's.
      synchronised = false;
      throw e;
    }
  }

  private QmpException whyEnded() {
    QmpException reason = ended;
    return reason != null
        ? reason
        : new QmpDisconnectedException(
            Reason.CLOSED_HERE, socket.path() + ": the session was closed");
  }

  private void begin(Awaited next, byte[] request) {
    if (ended != null) {
      next.reply.completeExceptionally(whyEnded());
      return;
    }
    awaited = next;
    socket.send(request);
  }

  @Override
  public void onObject(JsonNode message, boolean afterSentinel) {
    if (message.has("QMP")) {
      socket.fail(
          new QmpProtocolException(socket.path() + ": not a guest agent but a QMP monitor"));
      return;
    }
    Awaited current = awaited;
    if (current == null) {
      return;
    }
    Long syncId = current.syncId;
    if (syncId != null && !(afterSentinel && message.path("return").asLong(-1) == syncId)) {
      return;
    }
    awaited = null;
    complete(current, message);
  }

  private static void complete(Awaited current, JsonNode message) {
    JsonNode error = message.get("error");
    if (error != null) {
      current.reply.completeExceptionally(
          new QmpCommandException(
              error.path("class").asText("GenericError"),
              error.path("desc").asText("no description"),
              current.command));
    } else if (message.has("return")) {
      current.reply.complete(message.path("return"));
    } else {
      current.reply.completeExceptionally(
          new QmpProtocolException(current.command + ": neither a return nor an error"));
    }
  }

  @Override
  public void onEnd(QmpException reason) {
    ended = reason;
    Awaited current = awaited;
    awaited = null;
    if (current != null) {
      current.reply.completeExceptionally(reason);
    }
  }
}
