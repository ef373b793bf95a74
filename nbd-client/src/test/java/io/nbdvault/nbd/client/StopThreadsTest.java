package io.nbdvault.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** In a JVM of its own, as the threads that are stopped are everybody's. */
@Timeout(60)
final class StopThreadsTest {
  @TempDir Path dir;

  /** Says whether the client's threads run: with a client that is open, and when stopped. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) throws NbdException {
      NbdClient.stopThreads(); // Nothing was started: nothing happens.
      NbdClient client = NbdClient.open(NbdUri.parse(args[0]), ClientFixture.OPTIONS);
      System.out.print(ioThreads() + " ");
      if (args.length > 1) {
        client.close();
      }
      NbdClient.stopThreads();
      System.out.print(ioThreads());
    }

    private static long ioThreads() {
      return Thread.getAllStackTraces().keySet().stream()
          .filter(thread -> thread.getName().startsWith("nbd-io-"))
          .count();
    }
  }

  private static void serve(ScriptedPeer peer) throws IOException {
    ClientFixture.handshake(peer);
    peer.awaitClosed();
  }

  private static String run(String... args) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-Xlog:disable",
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName()));
    command.addAll(List.of(args));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    return printed;
  }

  @Test
  void noThreadIsLeftForTheEndOfTheJvmToWaitFor() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir, StopThreadsTest::serve)) {
      assertThat(run(server.uri().toString(), "close")).isEqualTo("1 0");
    }
  }

  @Test
  void whatIsStillOpenIsCutOff() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir, StopThreadsTest::serve)) {
      assertThat(run(server.uri().toString())).isEqualTo("1 0");
    }
  }
}
