package io.nbdvault.qmp.agent;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.JsonSocket;
import io.nbdvault.qmp.QmpConnectException;
import io.nbdvault.qmp.QmpDisconnectedException;
import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpProtocolException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A session with the QEMU guest agent over its channel's host end (docs/interop/qemu-ga). One
 * command at a time.
 *
 * <p>The channel is a byte pipe that outlives its clients, and replies carry no id: what comes may
 * answer somebody else, or a command that was given up on. So a session begins with a
 * synchronisation ({@code guest-sync-delimited} with a random id, before it 0xFF to make the agent
 * drop a half-sent command), and after every deadline that passed the next command begins with one.
 * A deadline does not end the session: the thaw after a freeze that hangs must still be sent.
 *
 * <p>Blocked calls are not interruptible and return within their deadline.
 */
public final class GuestAgent implements AutoCloseable {
  private final JsonSocket socket;
  private final GuestAgentOptions options;
  private final AgentExchange exchange;
  private final ReentrantLock oneCommand = new ReentrantLock();

  private GuestAgent(JsonSocket socket, GuestAgentOptions options) {
    this.socket = socket;
    this.options = options;
    this.exchange = new AgentExchange(socket);
  }

  /**
   * Connects and synchronises.
   *
   * @param socket path of the socket of the agent's chardev
   * @throws QmpConnectException where no agent answers; the message is one sentence
   */
  public static GuestAgent connect(Path socket, GuestAgentOptions options) throws QmpException {
    Deadline deadline = Deadline.in(options.connectTimeout());
    JsonSocket connected = JsonSocket.connect(socket, options.connectTimeout());
    GuestAgent agent = new GuestAgent(connected, options);
    connected.start(JsonSocket.Framing.GUEST_AGENT, options.lineBytesMax(), agent.exchange);
    try {
      agent.exchange.synchronise(deadline);
      return agent;
    } catch (QmpException e) {
      agent.close();
      throw agent.connectFailure(e);
    }
  }

  private QmpException connectFailure(QmpException e) {
    if (e instanceof QmpDisconnectedException ended && ended.reason() == Reason.DEADLINE) {
      return new QmpConnectException(
          socket.path()
              + ": the guest agent does not answer within "
              + options.connectTimeout().toMillis()
              + " ms: it is not running in the guest, or another client uses its channel",
          e);
    }
    return new QmpConnectException(String.valueOf(e.getMessage()), e);
  }

  /** {@code guest-info} (since 0.15): the agent's version and what it is allowed to do. */
  public AgentInfo info() throws QmpException {
    JsonNode info = call("guest-info", options.commandTimeout());
    Set<String> enabled = new HashSet<>();
    for (JsonNode command : info.path("supported_commands")) {
      if (command.path("enabled").asBoolean(false)) {
        enabled.add(command.path("name").asText());
      }
    }
    return new AgentInfo(info.path("version").asText(""), enabled);
  }

  /** {@code guest-fsfreeze-status} (since 0.15). */
  public FreezeStatus fsfreezeStatus() throws QmpException {
    String status = call("guest-fsfreeze-status", options.commandTimeout()).asText();
    try {
      return FreezeStatus.valueOf(status.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new QmpProtocolException(
          "guest-fsfreeze-status: " + status + " (expected: thawed or frozen)", e);
    }
  }

  /**
   * {@code guest-fsfreeze-freeze} (since 0.15). Thaw after every outcome, this call's exceptions
   * included: a freeze that was too slow may still complete.
   *
   * @return how many filesystems were frozen
   */
  public int fsfreezeFreeze(Duration deadline) throws QmpException {
    return count("guest-fsfreeze-freeze", deadline);
  }

  /**
   * {@code guest-fsfreeze-thaw} (since 0.15).
   *
   * @return how many filesystems were thawed; 0 where none was frozen
   */
  public int fsfreezeThaw(Duration deadline) throws QmpException {
    return count("guest-fsfreeze-thaw", deadline);
  }

  private int count(String command, Duration deadline) throws QmpException {
    JsonNode reply = call(command, deadline);
    if (!reply.isInt() || reply.asInt() < 0) {
      throw new QmpProtocolException(
          command + ": " + reply + " (expected: a number of filesystems)");
    }
    return reply.asInt();
  }

  private JsonNode call(String command, Duration timeout) throws QmpException {
    GuestAgentOptions.requireTimeout("deadline", timeout);
    JsonSocket.refuseEventLoop();
    Deadline deadline = Deadline.in(timeout);
    lock(command, deadline);
    try {
      if (!exchange.isSynchronised()) {
        exchange.synchronise(deadline);
      }
      return exchange.run(command, deadline);
    } finally {
      oneCommand.unlock();
    }
  }

  private void lock(String command, Deadline deadline) throws QmpDisconnectedException {
    boolean interrupted = false;
    boolean locked = false;
    while (!locked && !deadline.hasPassed()) {
      try {
        locked = oneCommand.tryLock(deadline.left().toNanos(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (!locked) {
      throw new QmpDisconnectedException(
          Reason.DEADLINE, socket.path() + ": " + command + ": another command is not yet done");
    }
  }

  /** Returns whether the connection to the channel stands, which says nothing about the guest. */
  public boolean isOpen() {
    return socket.isOpen();
  }

  /** Ends the session. Filesystems that are frozen stay so. */
  @Override
  public void close() {
    socket.close();
  }
}
