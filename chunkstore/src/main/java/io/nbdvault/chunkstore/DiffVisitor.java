package io.nbdvault.chunkstore;

import java.io.IOException;
import java.util.Optional;

/** Is shown in what two snapshots differ: the disks by name, and for each where it differs. */
public interface DiffVisitor {
  /**
   * Is shown a disk, by its record in either snapshot. If only one has it, no ranges are shown.
   *
   * @return whether its ranges are to be shown
   */
  boolean disk(String name, Optional<DiskRecord> from, Optional<DiskRecord> to) throws IOException;

  /**
   * Is shown a range of the last disk shown, as large as it can be and a multiple of the chunk size
   * long, but at the end of the larger disk. Ranges ascend. What lies past the end of the smaller
   * disk counts as zeros there.
   */
  void range(long offsetBytes, long lengthBytes) throws IOException;
}
