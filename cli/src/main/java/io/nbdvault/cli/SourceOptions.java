package io.nbdvault.cli;

import io.nbdvault.engine.source.BackupRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say where the disks of a VM are: exactly one kind of them. */
final class SourceOptions {
  @Option(names = "--qmp", paramLabel = "SOCKET", description = "QMP socket of the running QEMU.")
  private @Nullable Path qmpSocket;

  @Option(
      names = "--image",
      paramLabel = "NAME=FILE,format=raw|qcow2",
      converter = ImageConverter.class,
      description =
          "Image of a disk of a stopped VM, the disk's name, and the image's format, which is"
              + " never guessed. Repeatable.")
  private List<BackupRequest.Image> images = new ArrayList<>();

  @Option(
      names = "--nbd",
      paramLabel = "NAME=URI",
      converter = NbdExportConverter.class,
      description =
          "Export of any NBD server, as nbd://HOST[:PORT]/EXPORT or"
              + " nbd+unix:///EXPORT?socket=PATH, and the disk's name. Read in full."
              + " Repeatable.")
  private List<BackupRequest.NbdExport> exports = new ArrayList<>();

  boolean isRunningQemu() {
    return qmpSocket != null;
  }

  /**
   * The source.
   *
   * @throws ParameterException if there is none, more than one kind, or a name twice
   */
  BackupRequest.Source source(CommandLine command) {
    long kinds =
        Stream.of(qmpSocket != null, !images.isEmpty(), !exports.isEmpty())
            .filter(given -> given)
            .count();
    if (kinds == 0) {
      throw new ParameterException(
          command, "say where the disks are, with one of --qmp, --image and --nbd");
    }
    if (kinds > 1) {
      throw new ParameterException(command, "--qmp, --image and --nbd exclude each other");
    }
    if (qmpSocket != null) {
      return new BackupRequest.RunningQemu(qmpSocket);
    }
    if (!images.isEmpty()) {
      checkDistinct(command, "--image", images.stream().map(BackupRequest.Image::name));
      return new BackupRequest.StoppedImages(images);
    }
    checkDistinct(command, "--nbd", exports.stream().map(BackupRequest.NbdExport::name));
    return new BackupRequest.NbdExports(exports);
  }

  private static void checkDistinct(CommandLine command, String option, Stream<String> names) {
    Set<String> seen = new HashSet<>();
    names.forEach(
        name -> {
          if (!seen.add(name)) {
            throw new ParameterException(command, option + ": two disks named '" + name + "'");
          }
        });
  }
}
