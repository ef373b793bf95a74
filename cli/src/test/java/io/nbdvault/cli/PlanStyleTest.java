package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.cli.render.ProgressLine;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.backup.BackupOutcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PlanStyleTest {
  private static final BackupOutcome FAILED =
      new BackupOutcome("b", Optional.empty(), Optional.of(JobException.failed("no\nway")));

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Surroundings surroundings = TestRun.surroundings(out, err, Map.of());

  private static void tell(PlanDisplay display) {
    JobListener a = display.listener("a");
    JobListener b = display.listener("b");
    a.onEvent(new JobEvent.DiskStarted("vda", 1, false, Optional.of("first backup")));
    a.onEvent(new JobEvent.Progress(1 << 20, 4 << 20, 1 << 20, 0));
    b.onEvent(new JobEvent.Progress(1 << 20, 4 << 20, 0, 0));
    b.onEvent(new JobEvent.Warning("odd"));
    display.ended(FAILED);
    display.allEnded(List.of(FAILED), Duration.ofSeconds(12));
  }

  @Test
  void namesTheVmInEachLineAndSumsTheirProgress() {
    ProgressLine progress = new ProgressLine(surroundings.err(), 60);
    try (PlanDisplay display =
        new PlanDisplay(new PlanStyle.Text(surroundings, false, progress), progress)) {
      tell(display);
    }
    surroundings.flush();

    String erase = "\r\u001b[K";
    assertThat(err.toString(StandardCharsets.UTF_8))
        .startsWith("a: disk vda: read in full: first backup\n" + erase + " 25% ")
        .contains("1M of 4M", "2M of 8M")
        .endsWith(erase + "nbdvault: warning: b: odd\nnbdvault: b: no way\n");
    assertThat(out.toString(StandardCharsets.UTF_8))
        .isEqualTo("0 VMs backed up, 1 failed, in 12 s\n");
  }

  @Test
  void namesTheVmInEachObject() throws IOException {
    try (PlanDisplay display =
        new PlanDisplay(new PlanStyle.Json(new JsonLines(surroundings.out()), false), null)) {
      tell(display);
    }
    surroundings.flush();

    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).hasSize(6);
    for (String line : lines.subList(0, 5)) {
      assertThat(line).containsAnyOf("\"vm\":\"a\"", "\"vm\":\"b\"");
    }
    JsonNode failed = new ObjectMapper().readTree(lines.get(4));
    assertThat(failed.path("event").textValue()).isEqualTo("failed");
    assertThat(failed.path("code").intValue()).isEqualTo(1);
    assertThat(failed.path("message").textValue()).isEqualTo("no way");
    assertThat(lines.get(5)).contains("\"job\":\"plan\",\"backedUp\":0,\"failed\":1");
  }
}
