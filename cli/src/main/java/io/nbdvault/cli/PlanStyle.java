package io.nbdvault.cli;

import io.nbdvault.cli.render.Amounts;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.cli.render.JsonDisplay;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.cli.render.Printable;
import io.nbdvault.cli.render.ProgressLine;
import io.nbdvault.cli.render.TextDisplay;
import java.time.Duration;
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
            .println(backedUp + " VMs backed up, " + failed + " failed, in " + Amounts.took(took));
      }
    }
  }

  /** To a program. */
  record Json(JsonLines lines, boolean quiet) implements PlanDisplay.Style {
    @Override
    public JobDisplay display(String vm) {
      return new JsonDisplay(lines, quiet, vm);
    }

    @Override
    public void failed(String vm, Throwable failure) {
      lines.write(
          JsonLines.event("failed")
              .put("vm", vm)
              .put("code", ExitCode.of(failure))
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
