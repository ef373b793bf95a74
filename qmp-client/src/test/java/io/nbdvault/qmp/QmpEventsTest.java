package io.nbdvault.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import io.nbdvault.qmp.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QmpEventsTest {
  @TempDir Path dir;

  /** A monitor that emits so many events after the command "go", and then closes or waits. */
  private ScriptedServer emitting(int events, boolean thenWait) throws IOException {
    return FakeQmp.start(
        dir.resolve("qmp"),
        client -> {
          FakeQmp.reply(client, FakeQmp.request(client), "{}");
          for (int i = 0; i < events; i++) {
            FakeQmp.event(client, "NUMBER", i);
          }
          if (thenWait) {
            client.waitForEnd();
          }
        });
  }

  private static QmpClient connect(ScriptedServer server) throws QmpException {
    return QmpClient.connect(server.path(), QmpOptions.defaults());
  }

  private static void go(QmpClient client) throws QmpException {
    assertThat(client.execute("go").isObject()).isTrue();
  }

  @Test
  void deliversEventsInOrderAndAllBeforeClosedCompletes() throws Exception {
    List<Integer> numbers = new CopyOnWriteArrayList<>();
    List<Instant> times = new CopyOnWriteArrayList<>();
    try (ScriptedServer server = emitting(500, false);
        QmpClient client = connect(server);
        QmpSubscription subscription =
            client.onEvent(
                event -> {
                  numbers.add(event.data().path("number").asInt());
                  times.add(event.time());
                })) {
      assertThat(subscription).isNotNull();
      go(client);
      client.closed().get(10, TimeUnit.SECONDS);
      assertThat(numbers).containsExactlyElementsOf(IntStream.range(0, 500).boxed().toList());
      assertThat(times).containsOnly(Instant.parse("2023-11-14T22:13:20.250Z"));
    }
  }

  @Test
  void listenerThatThrowsDoesNotKeepOthersFromTheirEvents() throws Exception {
    List<String> names = new CopyOnWriteArrayList<>();
    try (ScriptedServer server = emitting(2, false);
        QmpClient client = connect(server);
        QmpSubscription broken =
            client.onEvent(
                event -> {
                  throw new IllegalStateException("listener broke on purpose");
                });
        QmpSubscription sound = client.onEvent(event -> names.add(event.name()))) {
      assertThat(broken).isNotSameAs(sound);
      go(client);
      client.closed().get(10, TimeUnit.SECONDS);
      assertThat(names).containsExactly("NUMBER", "NUMBER");
    }
  }

  @Test
  void removedListenerIsNotCalled() throws Exception {
    List<String> names = new CopyOnWriteArrayList<>();
    try (ScriptedServer server = emitting(5, false);
        QmpClient client = connect(server)) {
      client.onEvent(event -> names.add(event.name())).close();
      go(client);
      client.closed().get(10, TimeUnit.SECONDS);
      assertThat(names).isEmpty();
    }
  }

  @Test
  void refusesToBlockOnTheDispatchThread() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    try (ScriptedServer server = emitting(1, true);
        QmpClient client = connect(server);
        QmpSubscription subscription =
            client.onEvent(
                event -> {
                  try {
                    thrown.complete(new AssertionError("ran: " + client.execute("query")));
                  } catch (QmpException | IllegalStateException e) {
                    thrown.complete(e);
                  }
                })) {
      assertThat(subscription).isNotNull();
      go(client);
      assertThat(thrown.get(10, TimeUnit.SECONDS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("event-dispatch thread");
    }
  }

  @Test
  void listenerMayCloseTheSession() throws Exception {
    try (ScriptedServer server = emitting(1, true)) {
      QmpClient client = connect(server);
      QmpSubscription unused = client.onEvent(event -> client.close());
      go(client);
      client.closed().get(10, TimeUnit.SECONDS);
      assertThat(client.isOpen()).isFalse();
    }
  }

  @Test
  void endsTheSessionRatherThanLoseAnEvent() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (ScriptedServer server = emitting(EventDispatcher.QUEUE_EVENTS_MAX + 2, true);
        QmpClient client = connect(server);
        QmpSubscription subscription =
            client.onEvent(
                event -> {
                  try {
                    release.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                })) {
      assertThat(subscription).isNotNull();
      go(client);
      for (int i = 0; i < 200 && client.endReason() == null; i++) {
        Thread.sleep(50);
      }
      assertThat(client.endReason())
          .isInstanceOfSatisfying(
              QmpDisconnectedException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.EVENTS_OVERFLOWED));
      assertThat(client.closed()).isNotDone();
      release.countDown();
      client.closed().get(10, TimeUnit.SECONDS);
    }
  }
}
