package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The event-loop side of a session: the greeting first, then replies and events. All methods that
 * change state run on the event loop.
 */
final class QmpReceiver implements JsonSocket.Receiver {
  private final JsonSocket socket;
  private final EventDispatcher events;
  private final PendingCommands pending = new PendingCommands();
  private final CompletableFuture<QmpGreeting> greeting = new CompletableFuture<>();
  private volatile @Nullable QmpException endReason;

  QmpReceiver(JsonSocket socket, EventDispatcher events) {
    this.socket = socket;
    this.events = events;
  }

  CompletableFuture<QmpGreeting> greeting() {
    return greeting;
  }

  @Nullable QmpException endReason() {
    return endReason;
  }

  /** The reason, also where the end was so quick that nobody has noted one. */
  QmpException whyEnded() {
    QmpException reason = endReason;
    return reason != null
        ? reason
        : new QmpDisconnectedException(
            Reason.CLOSED_HERE, socket.path() + ": the session was closed");
  }

  void sendCommand(
      long id,
      String command,
      byte[] request,
      Duration timeout,
      CompletableFuture<JsonNode> reply) {
    if (endReason != null) {
      reply.completeExceptionally(PendingCommands.during(command, whyEnded()));
      return;
    }
    if (pending.isFull()) {
      reply.completeExceptionally(
          new IllegalStateException(
              command + ": " + PendingCommands.COMMANDS_MAX + " commands are already unanswered"));
      return;
    }
    Future<?> deadline =
        socket
            .loop()
            .schedule(
                () -> socket.fail(tooLate(command, timeout)),
                timeout.toNanos(),
                TimeUnit.NANOSECONDS);
    pending.put(id, new PendingCommands.Pending(command, reply, deadline));
    socket.send(request);
  }

  private QmpException tooLate(String command, Duration timeout) {
    return new QmpDisconnectedException(
        Reason.DEADLINE,
        socket.path() + ": no reply to " + command + " within " + timeout.toMillis() + " ms");
  }

  @Override
  public void onObject(JsonNode message, boolean afterSentinel) {
    try {
      if (!greeting.isDone()) {
        greeting.complete(Greetings.parse(message));
      } else if (message.has("event")) {
        onEvent(message);
      } else if (message.has("return") || message.has("error")) {
        pending.complete(message);
      } else {
        throw new QmpProtocolException(
            "neither a reply nor an event: " + PendingCommands.describe(message));
      }
    } catch (QmpProtocolException e) {
      socket.fail(e);
    }
  }

  private void onEvent(JsonNode message) {
    JsonNode stamp = message.path("timestamp");
    // QEMU says -1 where the host's clock could not be read.
    Instant time =
        stamp.path("seconds").asLong(-1) < 0
            ? Instant.now()
            : Instant.ofEpochSecond(
                stamp.path("seconds").asLong(), stamp.path("microseconds").asLong() * 1_000);
    JsonNode data = message.path("data");
    QmpEvent event =
        new QmpEvent(
            message.path("event").asText("?"),
            data.isMissingNode() ? JsonNodeFactory.instance.objectNode() : data,
            time);
    if (!events.offer(event)) {
      socket.fail(
          new QmpDisconnectedException(
              Reason.EVENTS_OVERFLOWED,
              socket.path()
                  + ": "
                  + EventDispatcher.QUEUE_EVENTS_MAX
                  + " events are waiting for listeners that do not return"));
    }
  }

  @Override
  public void onEnd(QmpException reason) {
    endReason = reason;
    greeting.completeExceptionally(reason);
    pending.failAll(reason);
    events.end();
  }
}
