package io.nbdvault.nbd.client;

import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.WireString;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * How an {@link NbdClient} connects, what it waits for, and what it lets through. A value: each
 * {@code with…} gives another one. What they let the client use is in proto.md: several connections
 * ("Transmission flags"), metadata contexts ("Metadata querying"), extended headers ("Extended
 * reply chunk message"). The timeouts are this client's own; the specification has none.
 */
public final class NbdClientOptions {
  private static final int CONNECTIONS_MAX = 16;
  private static final int REQUESTS_IN_FLIGHT_MAX = 1024;
  private static final Duration TIMEOUT_MIN = Duration.ofMillis(1);
  private static final Duration TIMEOUT_MAX = Duration.ofDays(1);
  private static final NbdClientOptions DEFAULTS = new NbdClientOptions(new Values());

  private final Values values;

  /** The fields and their defaults. Not changed once an options object has them. */
  private static final class Values implements Cloneable {
    private int connections = 2;
    private int requestsInFlightMaxPerConnection = 16;
    private Duration connectTimeout = Duration.ofSeconds(5);
    private Duration handshakeTimeout = Duration.ofSeconds(15);
    private Duration requestTimeout = Duration.ofSeconds(60);
    private Duration progressTimeout = Duration.ofSeconds(60);
    private Duration reconnectTimeout = Duration.ZERO;
    private List<String> metaContexts = List.of(BaseAllocation.CONTEXT);
    private boolean assumeMultiConn;
    private boolean extendedHeaders = true;
    private Set<StrictCheck> strictChecks = Set.of(StrictCheck.values());

    private Values copy() {
      try {
        return (Values) clone();
      } catch (CloneNotSupportedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private NbdClientOptions(Values values) {
    this.values = values;
  }

  /**
   * Two connections with 16 requests each, 5 s to connect, 15 s for the handshake, 60 s for a
   * request and for any sign of life, {@code base:allocation}, extended headers where the server
   * has them, and every strict check.
   */
  public static NbdClientOptions defaults() {
    return DEFAULTS;
  }

  private NbdClientOptions with(Consumer<Values> change) {
    Values copy = values.copy();
    change.accept(copy);
    return new NbdClientOptions(copy);
  }

  /** Connections to open if the server says CAN_MULTI_CONN, or {@link #assumeMultiConn} is set. */
  public int connections() {
    return values.connections;
  }

  /**
   * Another {@link #connections}.
   *
   * @param value 1..16
   */
  public NbdClientOptions withConnections(int value) {
    checkRange("connections", value, CONNECTIONS_MAX);
    return with(v -> v.connections = value);
  }

  /** Requests on the wire of one connection; QEMU works on at most 16 at a time. */
  public int requestsInFlightMaxPerConnection() {
    return values.requestsInFlightMaxPerConnection;
  }

  /**
   * Another {@link #requestsInFlightMaxPerConnection}.
   *
   * @param value 1..1024
   */
  public NbdClientOptions withRequestsInFlightMaxPerConnection(int value) {
    checkRange("requestsInFlightMaxPerConnection", value, REQUESTS_IN_FLIGHT_MAX);
    return with(v -> v.requestsInFlightMaxPerConnection = value);
  }

  /** How long a socket may take to connect. */
  public Duration connectTimeout() {
    return values.connectTimeout;
  }

  /**
   * Another {@link #connectTimeout}.
   *
   * @param value 1 ms..1 day
   */
  public NbdClientOptions withConnectTimeout(Duration value) {
    checkTimeout("connectTimeout", value);
    return with(v -> v.connectTimeout = value);
  }

  /** How long the handshake may take, from being connected to the transmission phase. */
  public Duration handshakeTimeout() {
    return values.handshakeTimeout;
  }

  /**
   * Another {@link #handshakeTimeout}.
   *
   * @param value 1 ms..1 day
   */
  public NbdClientOptions withHandshakeTimeout(Duration value) {
    checkTimeout("handshakeTimeout", value);
    return with(v -> v.handshakeTimeout = value);
  }

  /**
   * How long a request may take, from being sent to its last reply. One that takes longer costs the
   * connection, since its reply may still come.
   */
  public Duration requestTimeout() {
    return values.requestTimeout;
  }

  /**
   * Another {@link #requestTimeout}.
   *
   * @param value 1 ms..1 day
   */
  public NbdClientOptions withRequestTimeout(Duration value) {
    checkTimeout("requestTimeout", value);
    return with(v -> v.requestTimeout = value);
  }

  /**
   * How long a connection with requests in flight may stay without a single byte from the server.
   */
  public Duration progressTimeout() {
    return values.progressTimeout;
  }

  /**
   * Another {@link #progressTimeout}.
   *
   * @param value 1 ms..1 day
   */
  public NbdClientOptions withProgressTimeout(Duration value) {
    checkTimeout("progressTimeout", value);
    return with(v -> v.progressTimeout = value);
  }

  /**
   * How long to try to replace a lost connection; zero, the default, does not try. Only a client
   * that has not been asked to change anything reconnects, and only reads and block status are sent
   * again, a few times each; other commands in flight fail. The new connection must show the same
   * export.
   */
  public Duration reconnectTimeout() {
    return values.reconnectTimeout;
  }

  /**
   * Another {@link #reconnectTimeout}.
   *
   * @param value 1 ms..1 day, or zero
   */
  public NbdClientOptions withReconnectTimeout(Duration value) {
    if (!value.isZero()) {
      checkTimeout("reconnectTimeout", value);
    }
    return with(v -> v.reconnectTimeout = value);
  }

  /**
   * Metadata contexts to ask for; those that the server does not have are missing from {@link
   * ExportInfo#metaContexts}.
   */
  public List<String> metaContexts() {
    return values.metaContexts;
  }

  /**
   * Other {@link #metaContexts}.
   *
   * @param value at most 64 names of at most 4096 bytes each
   */
  public NbdClientOptions withMetaContexts(List<String> value) {
    List<String> copy = List.copyOf(value);
    if (copy.size() > NbdProtocol.META_CONTEXT_QUERIES_MAX) {
      throw new IllegalArgumentException(
          "metaContexts: "
              + copy.size()
              + " (expected: <= "
              + NbdProtocol.META_CONTEXT_QUERIES_MAX
              + ")");
    }
    for (String name : copy) {
      int bytes = WireString.encode(name).length;
      if (bytes > NbdProtocol.STRING_BYTES_MAX) {
        throw new IllegalArgumentException(
            "metaContexts: a name of %d bytes (expected: <= %d)"
                .formatted(bytes, NbdProtocol.STRING_BYTES_MAX));
      }
    }
    return with(v -> v.metaContexts = copy);
  }

  /**
   * Whether to use several connections even if the server does not say CAN_MULTI_CONN; safe only if
   * nobody writes.
   */
  public boolean assumeMultiConn() {
    return values.assumeMultiConn;
  }

  /** Another {@link #assumeMultiConn}. */
  public NbdClientOptions withAssumeMultiConn(boolean value) {
    return with(v -> v.assumeMultiConn = value);
  }

  /** Whether to ask for extended headers before structured replies. */
  public boolean extendedHeaders() {
    return values.extendedHeaders;
  }

  /** Another {@link #extendedHeaders}. */
  public NbdClientOptions withExtendedHeaders(boolean value) {
    return with(v -> v.extendedHeaders = value);
  }

  /** Which of the caller's mistakes are refused rather than sent. */
  public Set<StrictCheck> strictChecks() {
    return values.strictChecks;
  }

  /** Without some {@link #strictChecks}: for tests of servers. */
  public NbdClientOptions without(StrictCheck... checks) {
    EnumSet<StrictCheck> left = EnumSet.noneOf(StrictCheck.class);
    left.addAll(values.strictChecks);
    left.removeAll(List.of(checks));
    Set<StrictCheck> copy = Set.copyOf(left);
    return with(v -> v.strictChecks = copy);
  }

  private static void checkRange(String name, int value, int max) {
    if (value < 1 || value > max) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 1.." + max + ")");
    }
  }

  private static void checkTimeout(String name, Duration value) {
    if (value.compareTo(TIMEOUT_MIN) < 0 || value.compareTo(TIMEOUT_MAX) > 0) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: " + TIMEOUT_MIN + ".." + TIMEOUT_MAX + ")");
    }
  }
}
