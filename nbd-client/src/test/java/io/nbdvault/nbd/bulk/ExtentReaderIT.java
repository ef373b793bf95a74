package io.nbdvault.nbd.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bulk reads from nbdkit and qemu-nbd, with nbdcopy as the oracle. */
@Timeout(180)
final class ExtentReaderIT {
  private static final BulkOptions OPTIONS = BulkOptions.defaults().withWindowBytes(8 << 20);

  @TempDir Path dir;

  private RecordingSink read(NbdUri uri, Selection what, String... contexts) throws Exception {
    NbdClientOptions options = NbdClientOptions.defaults().withMetaContexts(List.of(contexts));
    try (NbdClient client = NbdClient.open(uri, options)) {
      RecordingSink sink = new RecordingSink((int) client.export().sizeBytes());
      ExtentReader.start(client, what, OPTIONS, sink).future().get(120, TimeUnit.SECONDS);
      assertThat(sink.mistakes).isEmpty();
      return sink;
    }
  }

  private byte[] reference(NbdUri uri) throws Exception {
    Path copy = dir.resolve("copy.raw");
    Commands.run("nbdcopy", "--request-size=65536", uri.toString(), copy.toString());
    return Files.readAllBytes(copy);
  }

  @Test
  void readsTheSameAsNbdcopyFromEveryKindOfNbdkit() throws Exception {
    for (List<String> variant :
        List.of(
            List.of("--threads=4"),
            List.of("--no-sr"),
            List.of("--mask-handshake=0"),
            List.of(
                "--filter=blocksize-policy",
                "blocksize-minimum=4096",
                "blocksize-maximum=128k",
                "blocksize-error-policy=error"))) {
      String[] args = new String[variant.size() + 4];
      List.of("sparse-random", "24M", "seed=3", "percent=40").toArray(args);
      for (int i = 0; i < variant.size(); i++) {
        args[4 + i] = variant.get(i);
      }
      try (ExternalServer server = ExternalServer.nbdkit(dir, args)) {
        RecordingSink sink = read(server.uri(), Selection.allocated(), BaseAllocation.CONTEXT);
        assertThat(sink.content).isEqualTo(reference(server.uri()));
        assertThat(sink.undelivered()).isZero();
      }
    }
  }

  @Test
  void readsTheDirtyBlocksOfABitmapOnly() throws Exception {
    String disk = dir.resolve("disk.qcow2").toString();
    String context = BaseAllocation.dirtyBitmapContext("b0");
    Commands.run("qemu-img", "create", "-q", "-f", "qcow2", disk, "64M");
    Commands.run("qemu-io", "-c", "write -P 3 0 8M", disk);
    Commands.run("qemu-img", "bitmap", "--add", "-g", "64k", disk, "b0");
    Commands.run(
        "qemu-io",
        "-c",
        "write -P 4 1M 64k",
        "-c",
        "write -P 5 1216k 64k",
        "-c",
        "write -z 4M 1M",
        disk);
    try (ExternalServer server =
        ExternalServer.qemuNbd(dir, "-r", "-e", "8", "-f", "qcow2", "-B", "b0", disk)) {
      RecordingSink sink =
          read(
              server.uri(),
              Selection.flagged(context, BaseAllocation.DIRTY),
              context,
              BaseAllocation.CONTEXT);
      for (int i = 0; i < sink.delivered.length; i++) {
        int kib = i >> 10;
        boolean first = kib >= 1024 && kib < 1088;
        boolean second = kib >= 1216 && kib < 1280;
        boolean zeroed = kib >= 4096 && kib < 5120;
        int expected = first ? 4 : second ? 5 : 0;
        if (sink.delivered[i] != (first || second || zeroed)
            || sink.asZero[i] != zeroed
            || sink.content[i] != expected) {
          throw new AssertionError("byte " + i + " is wrong");
        }
      }
    }
  }
}
