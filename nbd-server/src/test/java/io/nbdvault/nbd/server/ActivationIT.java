package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.server.testkit.ActivatedServer;
import io.nbdvault.nbd.testkit.Commands;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that is started with its socket open, as systemd does it; here libnbd does. */
@Timeout(120)
final class ActivationIT {
  @Test
  void servesOnTheSocketThatIsPassedOn() throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String out =
        Commands.run(
            "nbdinfo",
            "--json",
            "--",
            "[",
            java,
            "-cp",
            System.getProperty("java.class.path"),
            ActivatedServer.class.getName(),
            "]");
    assertThat(out).contains("\"export-size\": " + ActivatedServer.SIZE_BYTES);
  }
}
