package io.nbdvault.cli;

import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Throws overlays away. */
@Command(
    name = "discard",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Throws away what was written to served disks.",
    footer = {"%nExamples:", "  nbdvault overlay discard /overlays/*.overlay"})
final class OverlayDiscardCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Parameters(paramLabel = "FILE", arity = "1..*", description = "As overlay list shows them.")
  private List<Path> files = new ArrayList<>();

  OverlayDiscardCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException {
    for (Path file : files) {
      new OverlayDirectory(file.toAbsolutePath().resolveSibling("")).discard(file);
      if (!root.isQuiet() && !root.isJson()) {
        root.surroundings().out().println("discarded: " + file);
      }
    }
    return ExitCode.OK;
  }
}
