package io.nbdvault.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.qmp.testkit.ScriptedServer;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpConnectTest {
  private static final QmpOptions IMPATIENT =
      new QmpOptions(Duration.ofMillis(1500), Duration.ofSeconds(10), 1 << 20);

  @TempDir Path dir;

  private static AbstractThrowableAssert<?, ? extends Throwable> failure(Path socket) {
    return assertThatThrownBy(() -> QmpClient.connect(socket, IMPATIENT))
        .isInstanceOf(QmpConnectException.class)
        .hasMessageStartingWith(socket.toString());
  }

  private AbstractThrowableAssert<?, ? extends Throwable> failureOf(ScriptedServer.Script script)
      throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir.resolve("s"), script)) {
      return failure(server.path());
    }
  }

  @Test
  void greetsAndNegotiates() throws Exception {
    try (ScriptedServer server =
            FakeQmp.start(dir.resolve("s"), ScriptedServer.Connection::waitForEnd);
        QmpClient client = QmpClient.connect(server.path(), QmpOptions.defaults())) {
      assertThat(client.greeting()).isEqualTo(new QmpGreeting(7, 2, 22, "Debian"));
      assertThat(client.greeting().isAtLeast(7, 2)).isTrue();
      assertThat(client.greeting().isAtLeast(7, 3)).isFalse();
      assertThat(client.peer().pid()).isEqualTo(ProcessHandle.current().pid());
      assertThat(client.isOpen()).isTrue();
    }
  }

  @Test
  void greetingMayBeSpreadOverLinesAndPackets() throws Exception {
    String pretty = FakeQmp.GREETING.replace(",", ",\r\n   ").replace("{", "{\r\n");
    try (ScriptedServer server =
            ScriptedServer.start(
                dir.resolve("s"),
                client -> {
                  for (byte b : pretty.getBytes(StandardCharsets.UTF_8)) {
                    client.send(new byte[] {b});
                  }
                  FakeQmp.reply(client, FakeQmp.request(client), "{\r\n}");
                  client.waitForEnd();
                });
        QmpClient client = QmpClient.connect(server.path(), QmpOptions.defaults())) {
      assertThat(client.greeting().major()).isEqualTo(7);
    }
  }

  @Test
  void saysThatThereIsNoSocket() {
    failure(dir.resolve("missing")).hasMessageEndingWith("no such socket");
  }

  @Test
  void saysThatAFileIsNotASocket() throws Exception {
    failure(Files.createFile(dir.resolve("file"))).hasMessageEndingWith("not a socket");
  }

  @Test
  void saysThatNobodyListens() throws Exception {
    Path socket = dir.resolve("dead");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
    }
    failure(socket).hasMessageContaining("nobody listens there");
  }

  @Test
  void saysThatThePathIsTooLong() {
    failure(dir.resolve("x".repeat(108))).hasMessageContaining("at most 107 bytes");
  }

  @Test
  void saysThatAServerDoesNotGreet() throws Exception {
    long begin = System.nanoTime();
    failureOf(ScriptedServer.Connection::waitForEnd)
        .hasMessageContaining("QEMU serves one client per monitor");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
  }

  @Test
  void saysThatTheQueueOfWaitingClientsIsFull() throws Exception {
    Path socket = dir.resolve("full");
    List<SocketChannel> waiting = new ArrayList<>();
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket), 1);
      for (int i = 0; i < 2; i++) {
        waiting.add(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
      }
      failure(socket).hasMessageContaining("others are already waiting");
    } finally {
      for (SocketChannel channel : waiting) {
        channel.close();
      }
    }
  }

  @Test
  void saysThatItIsAHumanMonitor() throws Exception {
    failureOf(
            client -> {
              client.send("QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
              client.waitForEnd();
            })
        .hasMessageContaining("not a QMP socket but a human monitor (HMP)");
  }

  @Test
  void saysThatItIsAnNbdServer() throws Exception {
    failureOf(
            client -> {
              client.send("NBDMAGICIHAVEOPT\0\3");
              client.waitForEnd();
            })
        .hasMessageContaining("not a QMP socket but an NBD server");
  }

  @Test
  void saysThatItIsAGuestAgent() throws Exception {
    failureOf(
            client -> {
              client.send("{\"return\": {}}\n");
              client.waitForEnd();
            })
        .hasMessageContaining("not a QMP socket but a guest agent");
  }

  @Test
  void showsAnotherGreetingWithoutControlCharacters() throws Exception {
    failureOf(
            client -> {
              client.send("login\u001b[2J:\r\n");
              client.waitForEnd();
            })
        .hasMessageContaining("something else, it says: ")
        .hasMessageEndingWith("login [2J:");
  }

  @Test
  void saysThatTheConnectionEndsBeforeAGreeting() throws Exception {
    failureOf(client -> {}).hasMessageContaining("not a QMP socket, it ends the connection");
  }

  @Test
  void saysThatNegotiationIsRefused() throws Exception {
    failureOf(
            client -> {
              client.send(FakeQmp.GREETING);
              FakeQmp.refuse(client, FakeQmp.request(client), "not today");
              client.waitForEnd();
            })
        .hasMessageContaining("refuses to negotiate: not today");
  }

  @Test
  void failedConnectionLeavesNoThread() throws Exception {
    failureOf(ScriptedServer.Connection::waitForEnd);
    failure(dir.resolve("missing"));
    // Threads of other tests' sessions, and of a refused connection, end within moments.
    for (int i = 0; i < 100 && sessionThreads() > 0; i++) {
      Thread.sleep(50);
    }
    assertThat(sessionThreads()).isZero();
  }

  private static long sessionThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("qmp-"))
        .count();
  }
}
