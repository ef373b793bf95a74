package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/** Commands sent and not yet answered, by id. Used on the session's event loop only. */
final class PendingCommands {
  /** More than this many unanswered commands are a bug of the caller. */
  static final int COMMANDS_MAX = 256;

  /**
   * One command without a reply.
   *
   * @param deadline the timer that ends the session; cancelled when the reply comes
   */
  record Pending(String command, CompletableFuture<JsonNode> reply, Future<?> deadline) {}

  private final Map<Long, Pending> byId = new LinkedHashMap<>();

  boolean isFull() {
    return byId.size() >= COMMANDS_MAX;
  }

  void put(long id, Pending pending) {
    byId.put(id, pending);
  }

  /** Matches one reply ("return" or "error") to its command. */
  void complete(JsonNode message) throws QmpProtocolException {
    Pending pending = byId.remove(message.path("id").asLong(-1));
    if (pending == null) {
      throw new QmpProtocolException("reply to no command: " + describe(message));
    }
    pending.deadline.cancel(false);
    JsonNode error = message.get("error");
    if (error == null) {
      pending.reply.complete(message.path("return"));
      return;
    }
    pending.reply.completeExceptionally(
        new QmpCommandException(
            error.path("class").asText("GenericError"),
            error.path("desc").asText("no description"),
            pending.command));
  }

  void failAll(QmpException reason) {
    for (Pending pending : byId.values()) {
      pending.deadline.cancel(false);
      pending.reply.completeExceptionally(during(pending.command, reason));
    }
    byId.clear();
  }

  /** The session's end as seen by one command. */
  static QmpException during(String command, QmpException reason) {
    String message = command + ": " + reason.getMessage();
    return reason instanceof QmpDisconnectedException ended
        ? new QmpDisconnectedException(ended.reason(), message, reason)
        : new QmpProtocolException(message, reason);
  }

  static String describe(JsonNode message) {
    String text = message.toString();
    return text.length() <= 200 ? text : text.substring(0, 200) + "...";
  }
}
