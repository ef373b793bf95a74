package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DisplayTest {
  private final ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
  private final ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(outBytes, false, StandardCharsets.UTF_8);
  private final PrintStream err = new PrintStream(errBytes, false, StandardCharsets.UTF_8);
  private final AtomicLong nanos = new AtomicLong();

  @Test
  void tellsAPersonWhatHappensOnStderrAndTheSummaryOnStdout() {
    try (JobDisplay display = text(false)) {
      backup(display);
      assertThat(outBytes.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    assertThat(errLines())
        .containsExactly(
            "removed job nbdvault-x",
            "disk cd0: left out: read-only",
            "disk vdb: read in full: no bitmap",
            "nbdvault: warning: something is odd");
    assertThat(outLines()).startsWith("snapshot 1a2b3c4d of web1").hasSize(6);
  }

  @Test
  void tellsOnlyWarningsWhenQuiet() {
    try (JobDisplay display = text(true)) {
      backup(display);
    }

    assertThat(errLines()).containsExactly("nbdvault: warning: something is odd");
    assertThat(outLines()).isEmpty();
  }

  @Test
  void keepsAWarningOnOneLine() {
    try (JobDisplay display = text(false)) {
      display.onEvent(new JobEvent.Warning("one\ntwo \u001b[2J"));
    }

    assertThat(errLines()).containsExactly("nbdvault: warning: one two [2J");
  }

  @Test
  void makesRoomInTheProgressLineForAMessage() {
    ProgressLine progress = new ProgressLine(err, 60, nanos::get);
    try (JobDisplay display = new TextDisplay(out, err, false, SampleSnapshots.ZONE, progress)) {
      display.onEvent(new JobEvent.Progress(0, 1, 0, 0));
      display.onEvent(new JobEvent.Warning("odd"));
      display.onEvent(new JobEvent.Progress(1, 1, 0, 0));
    }

    assertThat(errBytes.toString(StandardCharsets.UTF_8))
        .contains("0B of 1B\r\u001b[Knbdvault: warning: odd\n\r\u001b[K100%")
        .endsWith("1B of 1B\r\u001b[K");
  }

  @Test
  void sumsUpARestore() {
    try (JobDisplay display = text(false)) {
      display.onEvent(restored(Optional.empty()));
      display.restored(SampleSnapshots.ordinary(), Duration.ofSeconds(70));
    }

    assertThat(outLines())
        .containsExactly(
            "vda: 10G restored to /vm/vda.raw, 3G of it data",
            "snapshot 1a2b3c4d of web1, 2026-01-31 03:00:00 +0100, restored in 1:10 min");
  }

  @Test
  void saysWhenThereWasNothingToCleanUp() {
    try (JobDisplay display = text(false)) {
      display.cleanedUp(Path.of("/run/q"));
    }

    assertThat(outLines()).containsExactly("nothing of nbdvault was left in the QEMU at /run/q");
  }

  @Test
  void tellsAProgramEveryEventOnALineOfItsOwn() throws IOException {
    try (JobDisplay display = new JsonDisplay(out, false, nanos::get)) {
      backup(display);
    }

    assertThat(events())
        .containsExactly(
            "started",
            "removed",
            "point-in-time",
            "disk-skipped",
            "disk-started",
            "warning",
            "progress",
            "committed",
            "summary");
    assertThat(json()).allSatisfy(line -> assertThat(line.path("v").intValue()).isEqualTo(1));
    assertThat(json().get(8).path("snapshot").textValue()).isEqualTo(SampleSnapshots.ID.hex());
    assertThat(json().get(8).path("total").path("readBytes").longValue()).isEqualTo(11 << 20);
  }

  @Test
  void leavesOutOfAPhaseWhatIsNotKnown() throws IOException {
    JsonDisplay display = new JsonDisplay(out, false, nanos::get);
    display.onEvent(new JobEvent.PhaseProgress("mark", 7, 0, false));
    display.onEvent(new JobEvent.PhaseProgress("sweep", 7, 9, false));

    assertThat(json().get(0).path("done").intValue()).isEqualTo(7);
    assertThat(json().get(0).has("expected")).isFalse();
    assertThat(json().get(1).path("expected").intValue()).isEqualTo(9);
  }

  @Test
  void flushesThePointInTimeAtOnce() {
    JobDisplay display = new JsonDisplay(out, false, nanos::get);

    display.onEvent(new JobEvent.PointInTime(SampleSnapshots.TIME, 2, Consistency.CRASH));

    assertThat(outLines())
        .containsExactly(
            "{\"v\":1,\"event\":\"point-in-time\",\"time\":\"2026-01-31T02:00:00.123Z\","
                + "\"disks\":2,\"consistency\":\"crash\"}");
  }

  @Test
  void tellsAProgramOfEachPhaseAtOnce() throws IOException {
    try (JobDisplay display = new JsonDisplay(out, false, nanos::get)) {
      for (String phase : List.of("mark", "scan")) {
        for (int i = 0; i < 6; i++) {
          display.onEvent(new JobEvent.PhaseProgress(phase, i, 100, false));
          nanos.addAndGet(200_000_000);
        }
      }
    }

    assertThat(json().stream().map(line -> line.path("phase").textValue()))
        .containsExactly("mark", "mark", "scan", "scan");
    assertThat(json().get(3).path("done").intValue()).isEqualTo(5);
  }

  @Test
  void tellsAProgramOfProgressAtMostOnceASecond() throws IOException {
    try (JobDisplay display = new JsonDisplay(out, false, nanos::get)) {
      for (int i = 0; i < 21; i++) {
        display.onEvent(new JobEvent.Progress(i, 100, 0, 0));
        nanos.addAndGet(200_000_000);
      }
    }

    assertThat(json())
        .extracting(line -> line.path("doneBytes").longValue())
        .containsExactly(0L, 5L, 10L, 15L, 20L);
  }

  @Test
  void tellsAProgramNoProgressWhenQuiet() {
    try (JobDisplay display = new JsonDisplay(out, true, nanos::get)) {
      display.onEvent(new JobEvent.Progress(1, 100, 0, 0));
    }

    assertThat(outLines()).isEmpty();
  }

  private static JobEvent.Restored restored(Optional<DiskDifference> difference) {
    return new JobEvent.Restored("vda", "/vm/vda.raw", 10L << 30, 3L << 30, difference);
  }

  @Test
  void saysInWhatARestoredDiskDiffered() throws IOException {
    DiskDifference difference = new DiskDifference(2L << 30, (10L << 30) - 3072, 2048, 1024);
    try (JobDisplay display = text(false)) {
      display.onEvent(restored(Optional.of(difference)));
    }
    assertThat(outLines())
        .containsExactly(
            "vda: 10G restored to /vm/vda.raw, 2G of it read, 2K written, 1K zeroed, 10.0G equal");
  }

  @Test
  void saysInWhatARestoredDiskDifferedForAProgram() throws IOException {
    DiskDifference difference = new DiskDifference(4, 3, 2, 1);
    try (JobDisplay display = new JsonDisplay(out, false, nanos::get)) {
      display.onEvent(restored(Optional.of(difference)));
      display.restored(SampleSnapshots.ordinary(), Duration.ZERO);
    }
    String expected = "{\"readBytes\":4,\"equalBytes\":3,\"writtenBytes\":2,\"zeroedBytes\":1}";
    assertThat(json().get(0).path("difference")).hasToString(expected);
    assertThat(json().get(1).path("disks").path(0).path("difference")).hasToString(expected);
  }

  @Test
  void sumsUpARestoreForAProgram() throws IOException {
    try (JobDisplay display = new JsonDisplay(out, false, nanos::get)) {
      display.onEvent(restored(Optional.empty()));
      display.restored(SampleSnapshots.ordinary(), Duration.ofMillis(1500));
    }

    JsonNode summary = json().get(1);
    assertThat(summary.path("job").textValue()).isEqualTo("restore");
    assertThat(summary.path("seconds").doubleValue()).isEqualTo(1.5);
    assertThat(summary.path("disks").path(0).path("target").textValue()).isEqualTo("/vm/vda.raw");
  }

  @Test
  void countsWhatWasCleanedUpForAProgram() throws IOException {
    try (JobDisplay display = new JsonDisplay(out, false, nanos::get)) {
      display.onEvent(new JobEvent.Removed("node", "x"));
      display.cleanedUp(Path.of("/run/q"));
    }

    assertThat(json().get(1).path("removed").intValue()).isEqualTo(1);
  }

  private JobDisplay text(boolean quiet) {
    return new TextDisplay(out, err, quiet, SampleSnapshots.ZONE, null);
  }

  /** What a backup tells, in its order. */
  static void backup(JobDisplay display) {
    display.onEvent(new JobEvent.Started("backup", "web1"));
    display.onEvent(new JobEvent.Removed("job", "nbdvault-x"));
    display.onEvent(new JobEvent.PointInTime(SampleSnapshots.TIME, 2, Consistency.CRASH));
    display.onEvent(new JobEvent.DiskSkipped("cd0", "read-only"));
    display.onEvent(new JobEvent.DiskStarted("vdb", 1L << 30, false, Optional.of("no bitmap")));
    display.onEvent(new JobEvent.Warning("something is odd"));
    display.onEvent(new JobEvent.Progress(1, 2, 1, 0));
    display.onEvent(new JobEvent.Committed(SampleSnapshots.ordinary()));
  }

  private List<String> outLines() {
    return outBytes.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private List<String> errLines() {
    return errBytes.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private List<JsonNode> json() throws IOException {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : outLines()) {
      nodes.add(new ObjectMapper().readTree(line));
    }
    return nodes;
  }

  private List<String> events() throws IOException {
    return json().stream().map(line -> line.path("event").textValue()).toList();
  }
}
