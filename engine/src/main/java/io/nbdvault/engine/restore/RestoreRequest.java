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
 */
public record RestoreRequest(
    String snapshot, List<String> disks, String to, Optional<ImageFormat> format, boolean force) {
  public RestoreRequest {
    disks = List.copyOf(disks);
  }

  /** The image formats that a restore can make. */
  public enum ImageFormat {
    RAW,
    QCOW2
  }
}
