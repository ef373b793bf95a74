package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.testkit.ExternalServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole life of an encrypted repository, on disks that nbdkit serves. */
class EncryptedBackupIT {
  private static final long SEED = Long.getLong("nbdvault.seed", System.nanoTime());

  @TempDir private Path dir;

  private TestRun done(String... args) {
    Map<String, String> environment =
        Map.of(
            "NBDVAULT_REPO", dir.resolve("repository").toString(), "NBDVAULT_PASSWORD", "secret");
    TestRun run = TestRun.with(environment, args);
    assertThat(run.code()).as(run.out() + run.err()).isZero();
    return run;
  }

  @Test
  void backsUpDeduplicatesAcrossKeysAndRestores() throws IOException {
    System.err.println("nbdvault.seed=" + SEED);
    byte[] disk = new byte[8 << 20];
    Random random = new Random(SEED);
    byte[] data = new byte[3 << 20];
    random.nextBytes(data);
    System.arraycopy(data, 0, disk, 1 << 20, data.length);
    Path image = Files.write(dir.resolve("disk.img"), disk);
    done("init", "--encrypt");
    assertThat(newBytes(image)).isEqualTo(data.length);
    done("key", "rotate");
    assertThat(newBytes(image)).isZero();
    disk[5 << 20] = 1;
    Files.write(image, disk);
    assertThat(newBytes(image)).isEqualTo(64 << 10);

    Path restored = dir.resolve("restored.raw");
    done("restore", "web1@latest", "--to", restored.toString());

    assertThat(Files.mismatch(image, restored)).isEqualTo(-1);
    assertThat(done("snapshots", "web1").out().lines()).hasSize(4);
  }

  private long newBytes(Path image) throws IOException {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "file", image.toString())) {
      List<String> args =
          new ArrayList<>(List.of("backup", "web1", "--nbd", "vda=" + server.uri(), "--json"));
      return done(args.toArray(new String[0])).event("summary").at("/total/newBytes").longValue();
    }
  }
}
