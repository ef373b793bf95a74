package io.nbdvault.qmp.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpConnectException;
import io.nbdvault.qmp.QmpDisconnectedException;
import io.nbdvault.qmp.QmpDisconnectedException.Reason;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpProtocolException;
import io.nbdvault.qmp.testkit.FakeGuestAgent;
import io.nbdvault.qmp.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestAgentTest {
  private static final Duration LONG = Duration.ofSeconds(10);
  private static final Duration SHORT = Duration.ofMillis(200);
  private static final GuestAgentOptions IMPATIENT = new GuestAgentOptions(SHORT, SHORT, 1 << 16);

  @TempDir Path dir;
  private FakeGuestAgent fake;

  @BeforeEach
  void startFake() throws IOException {
    fake = FakeGuestAgent.start(dir.resolve("qga.sock"));
  }

  @AfterEach
  void stopFake() throws IOException {
    fake.close();
  }

  private GuestAgent connect() throws QmpException {
    return GuestAgent.connect(fake.socket(), GuestAgentOptions.defaults());
  }

  @Test
  void freezesAndThaws() throws Exception {
    try (GuestAgent agent = connect()) {
      assertThat(agent.fsfreezeStatus()).isEqualTo(FreezeStatus.THAWED);
      assertThat(agent.fsfreezeFreeze(LONG)).isEqualTo(2);
      assertThat(agent.fsfreezeStatus()).isEqualTo(FreezeStatus.FROZEN);
      assertThat(agent.fsfreezeThaw(LONG)).isEqualTo(2);
      assertThat(agent.fsfreezeThaw(LONG)).isZero();
      assertThat(fake.isFrozen()).isFalse();
      assertThat(fake.synchronisations()).isEqualTo(1);
    }
  }

  @Test
  void saysWhichCommandsAreEnabled() throws Exception {
    try (GuestAgent agent = connect()) {
      AgentInfo info = agent.info();
      assertThat(info.version()).isEqualTo("7.2.0");
      assertThat(info.supportsFreeze()).isTrue();
      assertThat(info.supports("guest-exec")).isFalse();
    }
  }

  @Test
  void dropsGarbageBeforeTheSentinel() throws Exception {
    fake.noiseBeforeSentinel("{\"return\": {}}\n\"} garbage { \"half\": \"\\");
    try (GuestAgent agent = connect()) {
      assertThat(agent.fsfreezeStatus()).isEqualTo(FreezeStatus.THAWED);
    }
  }

  @Test
  void dropsAnEarlierClientsSynchronisation() throws Exception {
    String stale = "{\"return\": 17}\n";
    try (ScriptedServer server =
            ScriptedServer.start(
                dir.resolve("stale.sock"),
                client -> {
                  client.send(new byte[] {(byte) 0xFF});
                  client.send(stale);
                  String request = client.readLine();
                  String id = request.replaceAll("(?s).*\"id\":(\\d+).*", "$1");
                  client.send(new byte[] {(byte) 0xFF});
                  client.send(stale);
                  client.send(new byte[] {(byte) 0xFF});
                  client.send("{\"return\": " + id + "}\n");
                  String unused = client.readLine();
                  client.send("{\"return\": \"frozen\"}\n");
                  client.waitForEnd();
                });
        GuestAgent agent = GuestAgent.connect(server.path(), GuestAgentOptions.defaults())) {
      assertThat(agent.fsfreezeStatus()).isEqualTo(FreezeStatus.FROZEN);
    }
  }

  @Test
  void refusalIsACommandExceptionAndTheSessionGoesOn() throws Exception {
    fake.reply(
        "guest-fsfreeze-freeze",
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"failed to freeze /\"}}");
    try (GuestAgent agent = connect()) {
      assertThatThrownBy(() -> agent.fsfreezeFreeze(LONG))
          .isInstanceOfSatisfying(
              QmpCommandException.class,
              e -> {
                assertThat(e.command()).isEqualTo("guest-fsfreeze-freeze");
                assertThat(e.desc()).isEqualTo("failed to freeze /");
              });
      assertThat(agent.fsfreezeStatus()).isEqualTo(FreezeStatus.THAWED);
      assertThat(fake.synchronisations()).isEqualTo(1);
    }
  }

  @Test
  void slowFreezeMeetsItsDeadlineAndIsThawedOnTheSameSession() throws Exception {
    fake.delay("guest-fsfreeze-freeze", Duration.ofMillis(600));
    try (GuestAgent agent = connect()) {
      assertThatThrownBy(() -> agent.fsfreezeFreeze(SHORT))
          .isInstanceOfSatisfying(
              QmpDisconnectedException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.DEADLINE));
      // The freeze's late answer (2) must not be taken for the thaw's, nor for the status.
      assertThat(agent.fsfreezeThaw(LONG)).isEqualTo(2);
      assertThat(agent.fsfreezeStatus()).isEqualTo(FreezeStatus.THAWED);
      assertThat(fake.synchronisations()).isEqualTo(2);
      assertThat(fake.received())
          .containsExactly("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status");
    }
  }

  @Test
  void slowFreezeIsThawedOnAFreshConnection() throws Exception {
    fake.delay("guest-fsfreeze-freeze", Duration.ofMillis(600));
    try (GuestAgent agent = connect()) {
      assertThatThrownBy(() -> agent.fsfreezeFreeze(SHORT))
          .isInstanceOf(QmpDisconnectedException.class);
    }
    try (GuestAgent again = connect()) {
      assertThat(again.fsfreezeThaw(LONG)).isEqualTo(2);
      assertThat(fake.isFrozen()).isFalse();
    }
  }

  @Test
  void agentThatHangsIsReportedWithinTheConnectTimeout() throws Exception {
    fake.delay("guest-sync-delimited", Duration.ofSeconds(2));
    long begin = System.nanoTime();
    assertThatThrownBy(() -> GuestAgent.connect(fake.socket(), IMPATIENT))
        .isInstanceOf(QmpConnectException.class)
        .hasMessageContaining("the guest agent does not answer within 200 ms");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
  }

  @Test
  void qmpMonitorInPlaceOfAnAgentIsRecognised() throws Exception {
    try (ScriptedServer server =
        ScriptedServer.start(
            dir.resolve("qmp.sock"),
            client -> {
              client.send("{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n");
              client.waitForEnd();
            })) {
      assertThatThrownBy(() -> GuestAgent.connect(server.path(), GuestAgentOptions.defaults()))
          .isInstanceOf(QmpConnectException.class)
          .hasMessageContaining("not a guest agent but a QMP monitor");
    }
  }

  @Test
  void endOfTheChannelFailsTheCommandUnderWay() throws Exception {
    fake.delay("guest-fsfreeze-freeze", Duration.ofSeconds(5));
    try (GuestAgent agent = connect()) {
      Thread stopper =
          new Thread(
              () -> {
                try {
                  Thread.sleep(200);
                  fake.close();
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      stopper.start();
      assertThatThrownBy(() -> agent.fsfreezeFreeze(LONG))
          .isInstanceOfSatisfying(
              QmpDisconnectedException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED_BY_PEER));
      stopper.join();
      assertThat(agent.isOpen()).isFalse();
      assertThatThrownBy(agent::fsfreezeStatus).isInstanceOf(QmpDisconnectedException.class);
    }
  }

  @Test
  void endlessObjectFromTheGuestEndsTheSession() throws Exception {
    fake.reply("guest-info", "{\"return\": \"" + "x".repeat(1 << 17) + "\"}");
    try (GuestAgent agent =
        GuestAgent.connect(fake.socket(), new GuestAgentOptions(LONG, LONG, 1 << 16))) {
      assertThatThrownBy(agent::info)
          .isInstanceOf(QmpProtocolException.class)
          .hasMessageContaining("more than 65536 bytes");
      assertThat(agent.isOpen()).isFalse();
    }
  }

  @Test
  void answerOfAnotherTypeIsAProtocolError() throws Exception {
    fake.reply("guest-fsfreeze-status", "{\"return\": \"lukewarm\"}");
    fake.reply("guest-fsfreeze-thaw", "{\"return\": -1}");
    try (GuestAgent agent = connect()) {
      assertThatThrownBy(agent::fsfreezeStatus)
          .isInstanceOf(QmpProtocolException.class)
          .hasMessageContaining("lukewarm");
      assertThatThrownBy(() -> agent.fsfreezeThaw(LONG)).isInstanceOf(QmpProtocolException.class);
    }
  }

  @Test
  void interruptedCallerStillLearnsWhatHappened() throws Exception {
    try (GuestAgent agent = connect()) {
      Thread.currentThread().interrupt();
      assertThat(agent.fsfreezeFreeze(LONG)).isEqualTo(2);
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
