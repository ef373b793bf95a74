package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.Compression;
import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdUri;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What is to be backed up, and how.
 *
 * @param vm the VM's name in the repository
 * @param source where its disks are
 * @param disks names of the disks wanted; empty for all of them
 * @param exclude names of disks to leave out
 * @param full whether every disk is read in full, whatever bitmaps there are
 * @param tags free text by name
 * @param force whether another VM's UUID under this name is accepted
 * @param scratch directory for the overlays; empty for the directory of each disk's image
 * @param guestAgent socket of the guest agent
 * @param freeze whether the guest's filesystems are frozen for the instant
 * @param rateLimitBytesPerSecond how fast the backup may read; empty for no limit
 * @param compression of the new chunks; empty for the repository's
 * @param verifyWrites whether every new record is opened again and compared before it is stored
 */
public record BackupRequest(
    String vm,
    Source source,
    Set<String> disks,
    Set<String> exclude,
    boolean full,
    SortedMap<String, String> tags,
    boolean force,
    Optional<Path> scratch,
    Optional<Path> guestAgent,
    Freeze freeze,
    OptionalLong rateLimitBytesPerSecond,
    Optional<Compression> compression,
    boolean verifyWrites) {

  public BackupRequest {
    disks = Set.copyOf(disks);
    exclude = Set.copyOf(exclude);
    tags = Collections.unmodifiableSortedMap(new TreeMap<>(tags));
    if (rateLimitBytesPerSecond.isPresent() && rateLimitBytesPerSecond.getAsLong() <= 0) {
      throw new IllegalArgumentException(
          "rateLimitBytesPerSecond: " + rateLimitBytesPerSecond.getAsLong() + " (expected: > 0)");
    }
  }

  /** With the repository's compression. */
  public BackupRequest(
      String vm,
      Source source,
      Set<String> disks,
      Set<String> exclude,
      boolean full,
      SortedMap<String, String> tags,
      boolean force,
      Optional<Path> scratch,
      Optional<Path> guestAgent,
      Freeze freeze,
      OptionalLong rateLimitBytesPerSecond) {
    this(
        vm,
        source,
        disks,
        exclude,
        full,
        tags,
        force,
        scratch,
        guestAgent,
        freeze,
        rateLimitBytesPerSecond,
        Optional.empty(),
        false);
  }

  /** Where the disks of a VM are. */
  public sealed interface Source {}

  /** A running QEMU, by its QMP socket. */
  public record RunningQemu(Path qmpSocket) implements Source {}

  /** Images of a stopped VM. */
  public record StoppedImages(List<Image> images) implements Source {
    public StoppedImages {
      images = List.copyOf(images);
    }
  }

  /** One image; the format is given, never probed, since a guest can write any header. */
  public record Image(String name, Path file, String format) {}

  /** Exports of any NBD servers, read in full. */
  public record NbdExports(List<NbdExport> exports) implements Source {
    public NbdExports {
      exports = List.copyOf(exports);
    }
  }

  /** One export. */
  public record NbdExport(String name, NbdUri uri) {}

  /** Whether the guest's filesystems are frozen through the guest agent. */
  public enum Freeze {
    /** Where an agent answers; a warning where it does not. */
    AUTO,
    /** The backup fails without it. */
    REQUIRE,
    NEVER
  }

  /** Whether a disk of this name is wanted. */
  public boolean wants(String disk) {
    return (disks.isEmpty() || disks.contains(disk)) && !exclude.contains(disk);
  }

  /**
   * Refuses names of disks that are not there.
   *
   * @param present the names there are
   * @throws JobException of kind {@code BAD_REQUEST}
   */
  public void checkNamed(Set<String> present) throws JobException {
    for (String name : Stream.concat(disks.stream(), exclude.stream()).sorted().toList()) {
      if (!present.contains(name)) {
        throw JobException.badRequest(
            "there is no disk '"
                + name
                + "' (there is: "
                + String.join(", ", present.stream().sorted().toList())
                + ")");
      }
    }
  }
}
