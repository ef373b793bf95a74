package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.cli.render.Amounts;
import io.nbdvault.cli.render.CollectSummary;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.cli.render.Printable;
import io.nbdvault.cli.render.ProgressLine;
import io.nbdvault.cli.render.TextDisplay;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How several backups that run at once are shown. */
final class PlanStyle {
  private PlanStyle() {}

  /** To a person. */
  record Text(Surroundings surroundings, boolean quiet, @Nullable ProgressLine progress)
      implements PlanDisplay.Style {
    @Override
    public JobDisplay display(String vm) {
      return new TextDisplay(
          surroundings.out(), surroundings.err(), quiet, surroundings.zone(), progress, vm + ": ");
    }

    @Override
    public JobDisplay collection() {
      return new TextDisplay(
          surroundings.out(), surroundings.err(), quiet, surroundings.zone(), progress, "gc: ");
    }

    @Override
    public JobDisplay restore(String target) {
      return display("restore to " + target);
    }

    @Override
    public void collected(CollectReport report) {
      if (!quiet) {
        CollectSummary.lines(report).forEach(line -> surroundings.out().println("gc: " + line));
      }
    }

    @Override
    public void collectionFailed(Throwable failure) {
      failed("gc", failure);
    }

    @Override
    public void restoreFailed(String target, Throwable failure) {
      failed("restore to " + target, failure);
    }

    @Override
    public void failed(String vm, Throwable failure) {
      String sentence = Printable.line(vm + ": " + ErrorReport.describe(failure));
      surroundings.err().println("nbdvault: " + sentence);
      surroundings.err().flush();
    }

    @Override
    public void summary(int backedUp, int failed, Duration took) {
      if (!quiet) {
        surroundings
            .out()
            .println(
                backedUp
                    + (backedUp == 1 ? " VM" : " VMs")
                    + " backed up, "
                    + failed
                    + " failed, in "
                    + Amounts.took(took));
      }
    }
  }

  /** To a program. */
  record Json(JsonLines lines, boolean quiet) implements PlanDisplay.Style {
    private static final Map<String, String> COLLECTION = Map.of("job", "gc");

    @Override
    public JobDisplay display(String vm) {
      return new JsonDisplay(lines, quiet, Map.of("vm", vm));
    }

    @Override
    public JobDisplay collection() {
      return new JsonDisplay(lines, quiet, COLLECTION);
    }

    @Override
    public JobDisplay restore(String target) {
      return new JsonDisplay(lines, quiet, Map.of("restoreTo", target));
    }

    @Override
    public void collected(CollectReport report) {
      lines.write(CollectSummary.json(report));
    }

    @Override
    public void collectionFailed(Throwable failure) {
      failed(COLLECTION, failure);
    }

    @Override
    public void restoreFailed(String target, Throwable failure) {
      failed(Map.of("restoreTo", target), failure);
    }

    @Override
    public void failed(String vm, Throwable failure) {
      failed(Map.of("vm", vm), failure);
    }

    private void failed(Map<String, String> labels, Throwable failure) {
      ObjectNode json = JsonLines.event("failed");
      labels.forEach(json::put);
      lines.write(
          json.put("code", ExitCode.of(failure))
              .put("message", Printable.line(ErrorReport.describe(failure))));
    }

    @Override
    public void summary(int backedUp, int failed, Duration took) {
      lines.write(
          JsonLines.event("summary")
              .put("job", "plan")
              .put("backedUp", backedUp)
              .put("failed", failed)
              .put("seconds", took.toMillis() / 1000.0));
    }
  }
}
