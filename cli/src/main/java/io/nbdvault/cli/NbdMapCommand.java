package io.nbdvault.cli;

import io.nbdvault.cli.nbd.ExportMap;
import io.nbdvault.cli.nbd.MapRow;
import io.nbdvault.cli.nbd.MapTotals;
import io.nbdvault.cli.nbd.NbdJson;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows the map of an export. */
@Command(
    name = "map",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Shows which parts of an NBD export are data, holes, or dirty.",
    description = {
      "%nPrints offset, length, flags and what they mean, as nbdinfo --map does: a line for each"
          + " run of bytes with the same flags."
    },
    footer = {
      "%nExamples:",
      "  nbdvault nbd map nbd://localhost/disk",
      "  nbdvault nbd map nbd://localhost/disk --totals",
      "  nbdvault nbd map nbd://localhost/disk --context qemu:dirty-bitmap:b0"
    })
final class NbdMapCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Parameters(
      paramLabel = "URI",
      converter = NbdUriConverter.class,
      description = NbdCommand.URI_DESCRIPTION)
  @SuppressWarnings("NullAway.Init") // picocli requires it
  private NbdUri uri;

  @Option(
      names = "--context",
      paramLabel = "NAME",
      defaultValue = "base:allocation",
      description =
          "Metadata context, such as qemu:allocation-depth; nbd info names those that there are."
              + " Default: ${DEFAULT-VALUE}.")
  private String context = "";

  @Option(
      names = "--totals",
      description = "Sum up: how much has which flags, in bytes and in percent.")
  private boolean totals;

  NbdMapCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws NbdException, JobException, InterruptedException {
    try (ExportMap map = ExportMap.open(uri, context)) {
      if (totals) {
        MapTotals sums = new MapTotals(context, map.sizeBytes());
        map.read(root.surroundings().cancellation(), sums::add);
        sums.totals().forEach(this::print);
      } else {
        map.read(root.surroundings().cancellation(), this::print);
      }
    }
    return ExitCode.OK;
  }

  private void print(MapRow row) {
    if (root.isJson()) {
      new JsonLines(root.surroundings().out()).write(NbdJson.of(row));
    } else {
      root.surroundings().out().println(row.line());
    }
  }

  private void print(MapTotals.Total total) {
    if (root.isJson()) {
      new JsonLines(root.surroundings().out()).write(NbdJson.of(total));
    } else {
      root.surroundings().out().println(total.line());
    }
  }
}
