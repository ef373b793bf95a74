package io.nbdvault.cli;

import io.nbdvault.cli.nbd.CopyJob;
import io.nbdvault.cli.nbd.CopyOptions;
import io.nbdvault.cli.nbd.CopyPlace;
import io.nbdvault.cli.render.Amounts;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Copies an export to somewhere, or something to an export. */
@Command(
    name = "copy",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Copies to and from NBD servers.",
    description = {
      "%nSource or destination, or both, are NBD URIs. What is sparse stays sparse. A file is"
          + " complete and synced when it gets its name; an export or a device is overwritten in"
          + " place from its beginning, and flushed at the end. What it has beyond the source's"
          + " end stays."
    },
    footer = {
      "%nExamples:",
      "  nbdvault nbd copy nbd://localhost/disk disk.raw",
      "  nbdvault nbd copy disk.raw nbd+unix:///?socket=/run/nbd.sock",
      "  nbdvault nbd copy nbd://localhost/disk - | sha256sum"
    })
final class NbdCopyCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "SOURCE",
      description = "An NBD URI, a file, a device, or - for stdin.")
  private String source = "";

  @Parameters(
      index = "1",
      paramLabel = "DESTINATION",
      description =
          "An NBD URI, a new file, a device, - for stdout, or null: to read and throw away.")
  private String destination = "";

  @Option(
      names = {"-C", "--connections"},
      paramLabel = "N",
      defaultValue = "4",
      description =
          "Connections to each server, 1 to 16; one where the server allows no more."
              + " Default: ${DEFAULT-VALUE}.")
  private int connections;

  @Option(
      names = {"-R", "--requests"},
      paramLabel = "N",
      defaultValue = "16",
      description = "Requests in flight on each connection, 1 to 64. Default: ${DEFAULT-VALUE}.")
  private int requests;

  @Option(
      names = "--request-size",
      paramLabel = "BYTES",
      converter = ByteSizeConverter.class,
      defaultValue = "256K",
      description =
          "Bytes in a request, 4K to 32M. Where all requests together come to more than 64M,"
              + " fewer are in flight. Default: ${DEFAULT-VALUE}.")
  private long requestBytes;

  @Option(
      names = "--destination-is-zero",
      description = "Write no zeroes: right only if the destination reads as zeroes already.")
  private boolean destinationIsZero;

  @Option(
      names = "--force",
      description = "Replace a file that exists, overwrite a device. An export needs no --force.")
  private boolean force;

  NbdCopyCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    CopyPlace from = CopyPlace.parse(source);
    CopyPlace to = CopyPlace.parse(destination);
    boolean toStdout = to instanceof CopyPlace.Standard;
    if (toStdout && root.isJson()) {
      throw new ParameterException(
          spec.commandLine(), "--json and the destination - would both be on stdout");
    }
    CopyOptions options = options();
    long startNanos = System.nanoTime();
    try (JobDisplay display = toStdout ? root.displayOnStderr() : root.display()) {
      CopyJob.Outcome outcome =
          new CopyJob(
                  from,
                  to,
                  root.surroundings().streams(),
                  options,
                  root.surroundings().cancellation(),
                  display)
              .run();
      display.copied(
          outcome.source(),
          outcome.destination(),
          outcome.sizeBytes(),
          outcome.dataBytes(),
          Duration.ofNanos(System.nanoTime() - startNanos));
    }
    return ExitCode.OK;
  }

  private CopyOptions options() {
    check("--connections", connections, 1, CopyOptions.CONNECTIONS_MAX);
    check("--requests", requests, 1, CopyOptions.REQUESTS_MAX);
    if (requestBytes < CopyOptions.REQUEST_BYTES_MIN
        || requestBytes > CopyOptions.REQUEST_BYTES_MAX) {
      throw refused(
          "--request-size",
          Amounts.bytes(requestBytes),
          Amounts.bytes(CopyOptions.REQUEST_BYTES_MIN)
              + " to "
              + Amounts.bytes(CopyOptions.REQUEST_BYTES_MAX));
    }
    return new CopyOptions(connections, requests, (int) requestBytes, destinationIsZero, force);
  }

  private void check(String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw refused(option, Integer.toString(value), min + " to " + max);
    }
  }

  private ParameterException refused(String option, String value, String expected) {
    return new ParameterException(
        spec.commandLine(), option + ": " + value + " (expected: " + expected + ")");
  }
}
