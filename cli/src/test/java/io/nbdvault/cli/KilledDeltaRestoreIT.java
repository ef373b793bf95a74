package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.LoopDevice;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGKILL while a disk is put back in place: no daemon stays, and the same again completes it. */
class KilledDeltaRestoreIT {
  private static final int SIZE = 64 << 20;
  private static final Duration RUN_MAX = Duration.ofSeconds(60);

  @TempDir Path directory;
  private Path wanted;
  private Path other;
  private BackupBench bench;

  @BeforeEach
  void backUp() throws Exception {
    wanted = Files.write(directory.resolve("vda.raw"), random(1));
    other = Files.write(directory.resolve("other.raw"), random(2));
    bench = BackupBench.create(directory, "repository");
    var unused = bench.backup(request(wanted, "raw"));
  }

  private static byte[] random(long seed) {
    byte[] content = new byte[SIZE];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static BackupRequest request(Path image, String format) {
    return BackupBench.request(
        "vm",
        new BackupRequest.StoppedImages(List.of(new BackupRequest.Image("vda", image, format))));
  }

  @Test
  void rawFileIsCompletedByTheSameAgain() throws Exception {
    Path target = Files.copy(other, directory.resolve("target.raw"));
    killAndCompareAfterwards(target, "raw");
  }

  @Test
  void imageWhoseBitmapIsProvedIsCompletedByTheSameAgain() throws Exception {
    Path image = directory.resolve("target.qcow2");
    QemuImg.convert(wanted, "raw", image, "qcow2");
    var unused = bench.backup(request(image, "qcow2"));
    write(image); // QEMU does it, so the bitmap records it.
    JsonNode started = killAndCompareAfterwards(image, "qcow2");
    assertThat(started.path("incremental").asBoolean()).as("after the kill, too").isTrue();
    QemuImg.check(image);
    assertThat(QemuImg.bitmaps(image)).isEmpty();
  }

  private static void write(Path image) throws IOException {
    var unused =
        LoopDevice.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 " + SIZE, image.toString());
  }

  /** Returns what was told of the disk when it was done again. */
  private JsonNode killAndCompareAfterwards(Path target, String format) throws Exception {
    NbdvaultProcess.Listener killer = NbdvaultProcess.at("progress", NbdvaultProcess::kill);
    try (NbdvaultProcess run = NbdvaultProcess.start(directory, killer, arguments(target))) {
      var unused = run.awaitExit(NbdvaultProcess.KILLED, RUN_MAX);
    }
    NbdvaultProcess.assertNoDaemonStays(directory);
    assertThat(QemuImg.sameContent(target, format, wanted, "raw")).isFalse();
    List<JsonNode> events;
    try (NbdvaultProcess run =
        NbdvaultProcess.start(directory, (process, line) -> {}, arguments(target))) {
      events = run.awaitExit(ExitCode.OK, RUN_MAX).events();
    }
    QemuImg.compare(target, format, wanted, "raw");
    JsonNode difference = only(events, "restored").path("difference");
    assertThat(difference.path("writtenBytes").asLong()).isBetween(1L, SIZE - 1L);
    return only(events, "disk-started");
  }

  private static JsonNode only(List<JsonNode> events, String name) {
    List<JsonNode> found =
        events.stream().filter(event -> event.path("event").asText().equals(name)).toList();
    assertThat(found).as(name).hasSize(1);
    return found.get(0);
  }

  private List<String> arguments(Path target) {
    return List.of(
        "-r",
        bench.repository().toString(),
        "--json",
        "restore",
        "vm@latest",
        "--to",
        target.toString(),
        "--delta");
  }
}
