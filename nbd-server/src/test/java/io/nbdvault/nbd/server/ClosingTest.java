package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.server.testkit.RawClient;
import io.nbdvault.nbd.server.testkit.ServerFixture;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a server begins and ends. */
@Timeout(60)
final class ClosingTest {
  @Test
  void answersWhatIsInFlightAndShutdownToWhatIsNew() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient idle = RawClient.entered(fixture.socket(), "rw", HeaderStyle.SIMPLE);
        RawClient haggling = RawClient.greeted(fixture.socket());
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.SIMPLE)) {
      fixture.exports().hold();
      client.request(0, Command.READ, 1, 0, 8);
      while (fixture.exports().reads() == 0) {
        Thread.sleep(5);
      }
      Thread closing = new Thread(fixture.server()::close);
      closing.start();
      assertThat(idle.isClosedByServer()).isTrue();
      assertThat(haggling.isClosedByServer()).isTrue();
      // The events went out one after another, so the last is a moment away.
      Thread.sleep(200);
      client.request(0, Command.READ, 2, 0, 8);
      assertThat(client.readSimple()).isEqualTo(new RawClient.Simple(NbdErrno.ESHUTDOWN.code(), 2));
      fixture.exports().release();
      assertThat(client.readSimple()).isEqualTo(new RawClient.Simple(0, 1));
      assertThat(client.bytes(8)).containsOnly(0);
      assertThat(client.isClosedByServer()).isTrue();
      closing.join();
      assertThat(fixture.exports().closed()).isEqualTo(2);
      assertThat(Files.exists(fixture.socket())).isFalse();
    }
  }

  @Test
  void cutsWhatDoesNotEndInTime() throws Exception {
    try (ServerFixture fixture =
            ServerFixture.start(options -> options.withCloseTimeout(Duration.ofMillis(200)));
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.SIMPLE)) {
      fixture.exports().hold();
      client.request(0, Command.READ, 1, 0, 8);
      while (fixture.exports().reads() == 0) {
        Thread.sleep(5);
      }
      long begin = System.nanoTime();
      fixture.server().close();
      assertThat(System.nanoTime() - begin).isLessThan(10_000_000_000L);
      assertThat(client.isClosedByServer()).isTrue();
      fixture.exports().release();
      while (fixture.exports().closed() == 0) {
        Thread.sleep(5);
      }
    }
  }

  @Test
  void refusesSocketThatIsInUseAndFileThatIsNone() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      assertThatThrownBy(() -> listenOn(fixture, fixture.socket()))
          .isInstanceOf(BindException.class)
          .hasMessageContaining("listens there already");
      Path file = Files.createFile(fixture.directory().resolve("file"));
      assertThatThrownBy(() -> listenOn(fixture, file))
          .isInstanceOf(BindException.class)
          .hasMessageContaining("no socket");
      assertThatThrownBy(() -> listenOn(fixture, Path.of("/tmp/" + "x".repeat(103))))
          .isInstanceOf(BindException.class)
          .hasMessageContaining("too long");
      RawClient.greeted(fixture.socket()).close();
    }
  }

  private static void listenOn(ServerFixture fixture, Path socket) throws Exception {
    NbdServer.start(ServerOptions.of(fixture.exports()).listenOn(new ListenAddress.Unix(socket)))
        .close();
  }

  @Test
  void replacesSocketThatNobodyListensOn() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      Path stale = fixture.directory().resolve("stale");
      try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        dead.bind(UnixDomainSocketAddress.of(stale));
      }
      assertThat(Files.exists(stale)).isTrue();
      try (NbdServer server =
          NbdServer.start(
              ServerOptions.of(fixture.exports()).listenOn(new ListenAddress.Unix(stale)))) {
        RawClient.greeted(stale).close();
        assertThat(server.tcpAddresses()).isEmpty();
      }
    }
  }

  @Test
  void listensOnTcp() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        NbdServer server =
            NbdServer.start(
                ServerOptions.of(fixture.exports())
                    .listenOn(
                        new ListenAddress.Tcp(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))));
        SocketChannel client = SocketChannel.open(server.tcpAddresses().get(0))) {
      assertThat(client.isConnected()).isTrue();
    }
  }

  @Test
  void readsAddressesAsTheyAreTyped() {
    assertThat(ListenAddress.parse("unix:/run/x")).hasToString("unix:/run/x");
    assertThat(ListenAddress.parse("127.0.0.1:99")).hasToString("127.0.0.1:99");
    assertThat(ListenAddress.parse("127.0.0.1")).hasToString("127.0.0.1:10809");
    assertThat(ListenAddress.parse("[::1]:99")).hasToString("[0:0:0:0:0:0:0:1]:99");
    for (String bad : new String[] {"unix:", "", ":9", "a:b:c", "127.0.0.1:70000"}) {
      assertThatThrownBy(() -> ListenAddress.parse(bad))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void takesPassedSocketOnlyIfItIsMeant() {
    Map<String, String> good = Map.of("LISTEN_PID", "7", "LISTEN_FDS", "1");
    assertThatThrownBy(() -> SocketActivation.check(Map.of(), 7)).hasMessageContaining("not set");
    assertThatThrownBy(() -> SocketActivation.check(good, 8)).hasMessageContaining("process 7");
    assertThatThrownBy(
            () -> SocketActivation.check(Map.of("LISTEN_PID", "7", "LISTEN_FDS", "2"), 7))
        .hasMessageContaining("expected: 1");
  }
}
