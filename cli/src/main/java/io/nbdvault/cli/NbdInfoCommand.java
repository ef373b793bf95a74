package io.nbdvault.cli;

import io.nbdvault.cli.nbd.ExportProbe;
import io.nbdvault.cli.nbd.ExportReport;
import io.nbdvault.cli.nbd.ExportText;
import io.nbdvault.cli.nbd.NbdJson;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells of exports. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Tells what an NBD export is and what its server can do.",
    description = {
      "%nPrints the lines of nbdinfo(1), but reads no content. Block sizes are those that hold,"
          + " also where the server names none."
    },
    footer = {
      "%nExamples:",
      "  nbdvault nbd info nbd://localhost/disk",
      "  nbdvault nbd info --list nbd://localhost",
      "  nbdvault nbd info --size nbd+unix:///disk?socket=/run/nbd.sock"
    })
final class NbdInfoCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      paramLabel = "URI",
      converter = NbdUriConverter.class,
      description = NbdCommand.URI_DESCRIPTION)
  @SuppressWarnings("NullAway.Init") // picocli requires it
  private NbdUri uri;

  @Option(
      names = {"-L", "--list"},
      description = "Tell of every export of the server; the one in the URI is not looked at.")
  private boolean list;

  @Option(names = "--size", description = "Print the size in bytes and nothing else.")
  private boolean size;

  NbdInfoCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws NbdException, JobException {
    if (list && size) {
      throw new ParameterException(spec.commandLine(), "--list and --size exclude each other");
    }
    if (list) {
      tellAll();
    } else if (size) {
      tellSize(ExportProbe.of(uri).sizeBytes());
    } else {
      tell(ExportProbe.of(uri), true);
    }
    return ExitCode.OK;
  }

  private void tellAll() throws NbdException, JobException {
    List<NbdUri> exports = ExportProbe.list(uri);
    boolean first = true;
    for (NbdUri export : exports) {
      root.surroundings().cancellation().check();
      tell(ExportProbe.of(export), first);
      first = false;
    }
  }

  private void tell(ExportReport report, boolean first) {
    PrintStream out = root.surroundings().out();
    if (root.isJson()) {
      new JsonLines(out).write(NbdJson.of(report));
      return;
    }
    if (first) {
      out.println(ExportText.protocolLine(report));
    }
    ExportText.lines(report).forEach(out::println);
  }

  private void tellSize(long sizeBytes) {
    PrintStream out = root.surroundings().out();
    if (root.isJson()) {
      new JsonLines(out).write(NbdJson.size(sizeBytes));
    } else {
      out.println(sizeBytes);
    }
  }
}
