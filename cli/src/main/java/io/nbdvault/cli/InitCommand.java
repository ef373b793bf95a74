package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.cli.render.Amounts;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Makes a repository. */
@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Makes a repository in an empty or new directory.",
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup/vms init",
      "  nbdvault -r /backup/vms init --encrypt",
      "  nbdvault -r /backup/vms init --chunk-size 128K --compression none"
    })
final class InitCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Option(
      names = "--chunk-size",
      paramLabel = "BYTES",
      converter = ByteSizeConverter.class,
      defaultValue = "64K",
      description =
          "Bytes in a chunk, the unit of deduplication: a power of two, 16K to 4M, that never"
              + " changes afterwards. Default: ${DEFAULT-VALUE}.")
  private long chunkSizeBytes;

  @Option(
      names = "--compression",
      paramLabel = "lz4|zstd[:LEVEL]|none",
      converter = CompressionConverter.class,
      defaultValue = "lz4",
      description =
          "How chunks are compressed, unless a backup is told otherwise: lz4, zstd with a level"
              + " of 1 to 19 (3 if none is given), or none. Default: ${DEFAULT-VALUE}.")
  private Compression compression = Compression.LZ4;

  @Option(
      names = "--encrypt",
      description = {
        "Encrypt everything. The password is the one that --password-file, --password-command or $"
            + KeySource.PASSWORD_VARIABLE
            + " has, else the terminal is asked; or the key is the one in --key-file. If all keys"
            + " are lost, so are all backups. Default: not encrypted."
      })
  private boolean encrypt;

  InitCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException {
    Path directory = root.repository(spec);
    RepositoryOptions options = options();
    refuseContent(directory);
    if (encrypt) {
      Repositories.createEncrypted(directory, options, key(), "");
    } else {
      refuseKey();
      Repositories.create(directory, options);
    }
    tell(directory);
    return ExitCode.OK;
  }

  private SlotKey key() throws IOException {
    return root.keys()
        .newKey()
        .orElseThrow(
            () ->
                new ParameterException(
                    spec.commandLine(),
                    "--encrypt: there is no terminal to ask for the password; name it with"
                        + " --password-file FILE"));
  }

  /** Who gives a password believes that it is of use. */
  private void refuseKey() {
    if (root.keys().expectsEncryption()) {
      throw new ParameterException(
          spec.commandLine(), "a password or key was given, but not --encrypt");
    }
  }

  private RepositoryOptions options() {
    try {
      return new RepositoryOptions(Math.toIntExact(chunkSizeBytes), compression);
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw new ParameterException(
          spec.commandLine(),
          "--chunk-size: "
              + Amounts.bytes(chunkSizeBytes)
              + " (expected: a power of two from "
              + Amounts.bytes(RepositoryOptions.CHUNK_SIZE_BYTES_MIN)
              + " to "
              + Amounts.bytes(RepositoryOptions.CHUNK_SIZE_BYTES_MAX)
              + ")",
          e);
    }
  }

  /** The store refuses too; here is known what the person can do about it. */
  private static void refuseContent(Path directory) throws IOException, JobException {
    if (!Files.exists(directory)) {
      requireDirectory(directory.toAbsolutePath().getParent());
      return;
    }
    requireDirectory(directory);
    try (Stream<Path> entries = Files.list(directory)) {
      if (entries.findAny().isPresent()) {
        throw JobException.failed(
            isRepository(directory)
                ? directory + " is a repository already"
                : directory + " is not empty; name an empty or a new directory");
      }
    }
  }

  private static void requireDirectory(@Nullable Path directory) throws JobException {
    if (directory != null && !Files.isDirectory(directory)) {
      throw JobException.badRequest(
          Files.exists(directory)
              ? directory + " is not a directory"
              : "directory " + directory + " does not exist");
    }
  }

  private static boolean isRepository(Path directory) {
    try (ChunkStore store = Repositories.openLocked(directory)) {
      return store.config().formatVersion() >= 1;
    } catch (StoreException e) {
      // Whatever else it is: it is not empty, which is what is reported.
      return false;
    }
  }

  private void tell(Path directory) throws StoreException {
    try (ChunkStore store = Repositories.openLocked(directory)) {
      RepositoryConfig config = store.config();
      if (root.isJson()) {
        ObjectNode json =
            JsonLines.event("summary")
                .put("job", "init")
                .put("repository", directory.toString())
                .put("id", config.repositoryId())
                .put("chunkSizeBytes", config.chunkSizeBytes())
                .put("compression", config.compression().toString())
                .put("encryption", config.encryption().toString());
        new JsonLines(root.surroundings().out()).write(json);
      } else if (!root.isQuiet()) {
        root.surroundings()
            .out()
            .println(
                "made repository "
                    + config.repositoryId()
                    + " in "
                    + directory
                    + ": chunks of "
                    + Amounts.bytes(config.chunkSizeBytes())
                    + ", compression "
                    + config.compression()
                    + (encrypt ? ", encrypted" : ""));
        if (encrypt) {
          root.surroundings()
              .err()
              .println(
                  "If all keys are lost, so are all backups: make a second one with nbdvault key"
                      + " add, and keep it elsewhere.");
          root.surroundings().err().flush();
        }
      }
    }
  }
}
