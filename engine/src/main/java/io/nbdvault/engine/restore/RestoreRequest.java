package io.nbdvault.engine.restore;

import java.util.List;
import java.util.Optional;

/**
 * What is to be restored, and where to.
 *
 * @param snapshot as {@code SnapshotSelector} reads it
 * @param disks names of the disks wanted; empty for all of them
 * @param to a file, a directory, a block device or an NBD URI
 * @param format of new images; empty to go by the name's ending, raw unless that is {@code .qcow2}
 * @param force whether what is there already may be overwritten
 * @param salvage whether what cannot be read is restored as zeroes, and told, instead of nothing
 * @param delta whether what is there already is kept, and gets only what differs
 */
public record RestoreRequest(
    String snapshot,
    List<String> disks,
    String to,
    Optional<ImageFormat> format,
    boolean force,
    boolean salvage,
    boolean delta) {
  public RestoreRequest {
    disks = List.copyOf(disks);
  }

  /** A request that writes all of the disks. */
  public RestoreRequest(
      String snapshot,
      List<String> disks,
      String to,
      Optional<ImageFormat> format,
      boolean force,
      boolean salvage) {
    this(snapshot, disks, to, format, force, salvage, false);
  }

  /** A request that is met wholly or not at all. */
  public RestoreRequest(
      String snapshot, List<String> disks, String to, Optional<ImageFormat> format, boolean force) {
    this(snapshot, disks, to, format, force, false);
  }

  /** The image formats that a restore can make. */
  public enum ImageFormat {
    RAW,
    QCOW2
  }
}
