package io.nbdvault.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The example in README.md does what it says. */
@Timeout(180)
final class ReadmeIT {
  @TempDir Path dir;

  @Test
  void copiesTheSameBytesAsNbdcopy() throws Exception {
    Path ours = dir.resolve("ours");
    Path reference = dir.resolve("reference");
    try (ExternalServer server =
            ExternalServer.nbdkit(dir, "sparse-random", "16M", "seed=5", "percent=40");
        FileChannel file =
            FileChannel.open(ours, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      String uri = server.uri().toString();
      ReadmeExample.copy(uri, file);
      Commands.run("nbdcopy", uri, reference.toString());
    }
    assertThat(ours).hasSameBinaryContentAs(reference);
  }
}
