package io.nbdvault.cli;

import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.serve.ServeJob;
import io.nbdvault.engine.serve.StoreSource;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Serves snapshots over NBD. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Serves the disks of all snapshots over NBD, also while backups run.",
    description = {
      "%nThe exports are VM/DISK@SNAPSHOT and VM/DISK@latest. Every byte is verified. With the"
          + " context nbdvault:changed-since:SNAPSHOT a client learns in what a disk differs from"
          + " another snapshot. Ends with SIGINT or SIGTERM."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup serve --listen unix:/run/backup.sock",
      "  qemu-img convert 'nbd+unix:///web1/vda@latest?socket=/run/backup.sock' vda.qcow2"
    })
final class ServeCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Option(
      names = "--listen",
      required = true,
      paramLabel = "unix:PATH|HOST:PORT",
      description =
          "A unix socket to make, for this user alone; or a TCP port, which everybody on this"
              + " machine can use.")
  private String listen = "";

  @Option(
      names = "--writable",
      paramLabel = "DIR",
      description =
          "Let clients write. What they write goes to a file for each disk in this directory,"
              + " never to the repository; see nbdvault overlay. Default: nobody can write.")
  private @Nullable Path overlays;

  @Option(
      names = "--insecure",
      description = "Serve other machines too, without TLS: whoever reaches the port reads all.")
  private boolean insecure;

  ServeCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    ServeJob.Request request = request();
    StoreSource source = StoreSource.of(root.repository(spec), root.keys());
    new ServeJob(source, root.surroundings().cancellation()).run(request, this::tell);
    return ExitCode.OK;
  }

  ServeJob.Request request() {
    try {
      return ServeJob.Request.of(
          listen, Optional.ofNullable(overlays).map(this::directory), insecure);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--listen: " + JobException.sentence(e), e);
    }
  }

  private OverlayDirectory directory(Path path) {
    if (!Files.isDirectory(path)) {
      throw new ParameterException(
          spec.commandLine(), "--writable: " + path + " is not a directory");
    }
    return new OverlayDirectory(path);
  }

  private void tell(NbdUri uri) {
    if (root.isJson()) {
      new JsonLines(root.surroundings().out())
          .write(JsonLines.event("listening").put("uri", uri.toString()));
    } else {
      root.surroundings().out().println(uri);
      root.surroundings().flush();
    }
  }
}
