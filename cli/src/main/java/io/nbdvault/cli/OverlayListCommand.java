package io.nbdvault.cli;

import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.Printable;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.engine.serve.overlay.OverlayHeader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Lists overlays. */
@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Lists the disks that were written to.",
    footer = {"%nExamples:", "  nbdvault overlay list /overlays"})
final class OverlayListCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Parameters(paramLabel = "DIR", description = "Of serve --writable.")
  private Path directory = Path.of("");

  OverlayListCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException {
    OverlayDirectory overlays = new OverlayDirectory(directory);
    for (Path file : overlays.files()) {
      show(file, overlays.header(file));
    }
    return ExitCode.OK;
  }

  private void show(Path file, OverlayHeader header) {
    if (root.isJson()) {
      new JsonLines(root.surroundings().out())
          .write(
              JsonLines.event("overlay")
                  .put("file", file.toString())
                  .put("snapshot", header.snapshot().hex())
                  .put("vm", header.vm())
                  .put("disk", header.disk())
                  .put("sizeBytes", header.sizeBytes()));
    } else {
      String name = header.vm() + "/" + header.disk() + "@" + header.snapshot().shortForm();
      root.surroundings().out().println(Printable.line(name) + "  " + file);
    }
  }
}
