package io.nbdvault.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A QMP session with a QEMU or a {@code qemu-storage-daemon} (docs/interop/qmp-spec).
 *
 * <p><b>Threads.</b> Every session has an event loop, on which replies are matched to commands by
 * id and the futures of {@link #executeAsync} complete, and a dispatch thread, on which listeners
 * are called in the order in which QEMU emitted the events. Neither may block on the session:
 * {@link #execute} refuses there. The order between a reply and an event is not kept.
 *
 * <p><b>Ends.</b> A deadline that passes ends the session, because QEMU executes a monitor's
 * commands in order, so nothing sent after a stuck one would be answered; whether the stuck command
 * is executed later is unknown. Jobs, exports and nodes outlive the session: connect again to see
 * to them.
 *
 * <p><b>Interrupts.</b> A blocked call is not interruptible: the reply would be lost and with it
 * the knowledge of what was started. It returns within the command's deadline, with the thread's
 * interrupt flag kept.
 */
public final class QmpClient implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** The event loop enforces deadlines; this much later a caller stops trusting it. */
  private static final long LOOP_GRACE_MILLIS = 5_000;

  private final JsonSocket socket;
  private final QmpOptions options;
  private final QmpReceiver receiver;
  private final EventDispatcher events;
  private final AtomicLong lastId = new AtomicLong();

  private QmpClient(JsonSocket socket, QmpOptions options) {
    this.socket = socket;
    this.options = options;
    this.events = new EventDispatcher();
    this.receiver = new QmpReceiver(socket, events);
  }

  /**
   * Connects, reads the greeting and negotiates capabilities (none are asked for).
   *
   * @param socket path of a {@code -qmp unix:...} or {@code -mon ...,mode=control} socket
   * @throws QmpConnectException where there is no QMP monitor to talk to; the message is one
   *     sentence that says what is there instead
   */
  public static QmpClient connect(Path socket, QmpOptions options) throws QmpException {
    long deadlineNanos = System.nanoTime() + options.connectTimeout().toNanos();
    JsonSocket connected = JsonSocket.connect(socket, options.connectTimeout());
    QmpClient client = new QmpClient(connected, options);
    connected.start(JsonSocket.Framing.QMP, options.lineBytesMax(), client.receiver);
    try {
      client.greet(deadlineNanos);
      return client;
    } catch (QmpException e) {
      client.close();
      throw e;
    }
  }

  private void greet(long deadlineNanos) throws QmpException {
    try {
      await(receiver.greeting(), left(deadlineNanos));
      var unused =
          await(submit("qmp_capabilities", null, left(deadlineNanos)), options.connectTimeout());
    } catch (QmpDisconnectedException e) {
      if (e.reason() == Reason.DEADLINE) {
        throw new QmpConnectException(
            path()
                + ": accepts but does not greet: another client is using it (QEMU serves one client"
                + " per monitor), or it is not a QMP socket but one that says nothing, as a guest"
                + " agent's",
            e);
      }
      throw new QmpConnectException(path() + ": not a QMP socket, it ends the connection", e);
    } catch (QmpProtocolException e) {
      throw new QmpConnectException(
          path() + ": not a QMP socket but " + Greetings.describe(String.valueOf(e.getMessage())),
          e);
    } catch (QmpCommandException e) {
      throw new QmpConnectException(path() + ": refuses to negotiate: " + e.desc(), e);
    }
  }

  private static Duration left(long deadlineNanos) {
    return Duration.ofNanos(Math.max(1, deadlineNanos - System.nanoTime()));
  }

  /** Returns the version that QEMU gave when it greeted. */
  public QmpGreeting greeting() {
    return receiver.greeting().join();
  }

  /** Returns the process at the other end and the user it runs as. */
  public PeerCredentials peer() {
    return socket.peer();
  }

  /** Returns the socket's path, as it was given. */
  public Path path() {
    return socket.path();
  }

  /** Runs a command without arguments; see {@link #execute(String, ObjectNode)}. */
  public JsonNode execute(String command) throws QmpException {
    return execute(command, null);
  }

  /**
   * Runs a command and waits for its reply.
   *
   * @return the reply's "return" value
   * @throws QmpCommandException where QEMU refuses; the session goes on
   * @throws QmpDisconnectedException where the session has ended or ends before the reply, or the
   *     reply is not there within the command timeout, which ends the session
   * @throws QmpProtocolException where QEMU's answer is not QMP, which ends the session
   * @throws IllegalStateException on an event loop or on the dispatch thread
   */
  public JsonNode execute(String command, @Nullable ObjectNode arguments) throws QmpException {
    return execute(command, arguments, options.commandTimeout());
  }

  /** Runs a command with a timeout of its own; see {@link #execute(String, ObjectNode)}. */
  public JsonNode execute(String command, @Nullable ObjectNode arguments, Duration timeout)
      throws QmpException {
    QmpOptions.requireTimeout("timeout", timeout);
    refuseOwnThreads();
    return await(submit(command, arguments, timeout), timeout.plusMillis(LOOP_GRACE_MILLIS));
  }

  /**
   * Sends a command. The future fails with the exceptions of {@link #execute(String, ObjectNode)};
   * it completes on the event loop, so what depends on it must not block. Cancelling it does not
   * cancel the command. At most 256 commands may be unanswered.
   */
  public CompletableFuture<JsonNode> executeAsync(String command, @Nullable ObjectNode arguments) {
    return submit(command, arguments, options.commandTimeout());
  }

  private CompletableFuture<JsonNode> submit(
      String command, @Nullable ObjectNode arguments, Duration timeout) {
    CompletableFuture<JsonNode> reply = new CompletableFuture<>();
    long id = lastId.incrementAndGet();
    byte[] request = serialise(id, command, arguments);
    boolean running =
        socket.execute(() -> receiver.sendCommand(id, command, request, timeout, reply));
    if (!running) {
      reply.completeExceptionally(PendingCommands.during(command, receiver.whyEnded()));
    }
    return reply;
  }

  // Here and not on the event loop: the caller may change its arguments after the call.
  private static byte[] serialise(long id, String command, @Nullable ObjectNode arguments) {
    ObjectNode request = MAPPER.createObjectNode().put("execute", command);
    if (arguments != null) {
      request.set("arguments", arguments);
    }
    request.put("id", id);
    try {
      return (MAPPER.writeValueAsString(request) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(command + ": arguments are not JSON", e);
    }
  }

  private <T> T await(CompletableFuture<T> future, Duration timeout) throws QmpException {
    return JsonSocket.await(future, timeout, path() + ": no answer");
  }

  private void refuseOwnThreads() {
    JsonSocket.refuseEventLoop();
    if (events.onDispatchThread()) {
      throw new IllegalStateException("blocking call on the session's event-dispatch thread");
    }
  }

  /**
   * Registers a listener for all events from now on. Listeners are called one at a time on the
   * session's dispatch thread; one that throws is logged and keeps its place. When 4096 events are
   * waiting the session ends with {@link Reason#EVENTS_OVERFLOWED}, so that none is lost unseen.
   */
  public QmpSubscription onEvent(Consumer<QmpEvent> listener) {
    return events.add(listener);
  }

  /** Returns whether the session stands; a QEMU that hangs still counts as open. */
  public boolean isOpen() {
    return socket.isOpen();
  }

  /**
   * Completes normally when the session has ended, whoever ended it, after all its commands have
   * failed and its events were delivered.
   */
  public CompletableFuture<Void> closed() {
    return events.drained().copy();
  }

  /** Returns why the session ended, or null while it stands. */
  public @Nullable QmpException endReason() {
    return receiver.endReason();
  }

  /** Ends the session; commands under way fail. What they started in QEMU goes on. */
  @Override
  public void close() {
    socket.close();
  }
}
