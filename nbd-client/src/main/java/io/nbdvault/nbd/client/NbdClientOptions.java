package io.nbdvault.nbd.client;

import java.time.Duration;
import java.util.List;

/**
 * How an {@link NbdClient} connects and what it waits for.
 *
 * @param connections 1..16; more than one is used only if the server says CAN_MULTI_CONN, or {@code
 *     assumeMultiConn} is set
 * @param requestsInFlightMaxPerConnection 1..1024; QEMU works on at most 16 at a time
 * @param connectTimeout until the socket is connected, 1 ms..1 day
 * @param handshakeTimeout from there to the transmission phase, 1 ms..1 day
 * @param requestTimeout from sending a request to its last reply, 1 ms..1 day; a request that
 *     exceeds it costs the connection, since its reply may still come
 * @param metaContexts at most 64 names of metadata contexts to ask for; those the server does not
 *     have are missing from {@link ExportInfo#metaContexts}
 * @param assumeMultiConn use several connections even if the server does not say CAN_MULTI_CONN;
 *     safe only if nobody writes
 */
public record NbdClientOptions(
    int connections,
    int requestsInFlightMaxPerConnection,
    Duration connectTimeout,
    Duration handshakeTimeout,
    Duration requestTimeout,
    List<String> metaContexts,
    boolean assumeMultiConn) {
  private static final int CONNECTIONS_MAX = 16;
  private static final int REQUESTS_IN_FLIGHT_MAX = 1024;
  private static final int META_CONTEXTS_MAX = 64;
  private static final Duration TIMEOUT_MAX = Duration.ofDays(1);

  public NbdClientOptions {
    checkRange("connections", connections, CONNECTIONS_MAX);
    checkRange(
        "requestsInFlightMaxPerConnection",
        requestsInFlightMaxPerConnection,
        REQUESTS_IN_FLIGHT_MAX);
    checkTimeout("connectTimeout", connectTimeout);
    checkTimeout("handshakeTimeout", handshakeTimeout);
    checkTimeout("requestTimeout", requestTimeout);
    metaContexts = List.copyOf(metaContexts);
    if (metaContexts.size() > META_CONTEXTS_MAX) {
      throw new IllegalArgumentException(
          "metaContexts: " + metaContexts.size() + " (expected: <= " + META_CONTEXTS_MAX + ")");
    }
  }

  /**
   * Two connections with 16 requests each, 5 s to connect, 15 s for the handshake, 60 s for a
   * request, and {@code base:allocation}.
   */
  public static NbdClientOptions defaults() {
    return new NbdClientOptions(
        2,
        16,
        Duration.ofSeconds(5),
        Duration.ofSeconds(15),
        Duration.ofSeconds(60),
        List.of(BaseAllocation.CONTEXT),
        false);
  }

  public NbdClientOptions withConnections(int value) {
    return new NbdClientOptions(
        value,
        requestsInFlightMaxPerConnection,
        connectTimeout,
        handshakeTimeout,
        requestTimeout,
        metaContexts,
        assumeMultiConn);
  }

  public NbdClientOptions withRequestsInFlightMaxPerConnection(int value) {
    return new NbdClientOptions(
        connections,
        value,
        connectTimeout,
        handshakeTimeout,
        requestTimeout,
        metaContexts,
        assumeMultiConn);
  }

  public NbdClientOptions withConnectTimeout(Duration value) {
    return new NbdClientOptions(
        connections,
        requestsInFlightMaxPerConnection,
        value,
        handshakeTimeout,
        requestTimeout,
        metaContexts,
        assumeMultiConn);
  }

  public NbdClientOptions withHandshakeTimeout(Duration value) {
    return new NbdClientOptions(
        connections,
        requestsInFlightMaxPerConnection,
        connectTimeout,
        value,
        requestTimeout,
        metaContexts,
        assumeMultiConn);
  }

  public NbdClientOptions withRequestTimeout(Duration value) {
    return new NbdClientOptions(
        connections,
        requestsInFlightMaxPerConnection,
        connectTimeout,
        handshakeTimeout,
        value,
        metaContexts,
        assumeMultiConn);
  }

  public NbdClientOptions withMetaContexts(List<String> value) {
    return new NbdClientOptions(
        connections,
        requestsInFlightMaxPerConnection,
        connectTimeout,
        handshakeTimeout,
        requestTimeout,
        value,
        assumeMultiConn);
  }

  public NbdClientOptions withAssumeMultiConn(boolean value) {
    return new NbdClientOptions(
        connections,
        requestsInFlightMaxPerConnection,
        connectTimeout,
        handshakeTimeout,
        requestTimeout,
        metaContexts,
        value);
  }

  private static void checkRange(String name, int value, int max) {
    if (value < 1 || value > max) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 1.." + max + ")");
    }
  }

  private static void checkTimeout(String name, Duration value) {
    if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(TIMEOUT_MAX) > 0) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: PT0.001S.." + TIMEOUT_MAX + ")");
    }
  }
}
