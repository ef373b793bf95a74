package io.nbdvault.chunkstore;

import java.util.Optional;

/**
 * One disk in a snapshot: complete, whether its backup was incremental or not.
 *
 * @param name unique in its snapshot
 * @param sizeBytes the disk's size as the guest saw it
 * @param format format of the image it was read from, such as {@code qcow2}
 * @param root root of the disk's tree; {@link ChunkId#ZERO} if the disk holds only zeros
 * @param checkpoint the bitmap that has recorded since, if there is one
 * @param statistics what its backup read and stored
 * @param incremental whether only what a bitmap named was read
 * @param fullReason why everything was read though an incremental was wanted, for people
 */
public record DiskRecord(
    String name,
    long sizeBytes,
    String format,
    ChunkId root,
    Optional<Checkpoint> checkpoint,
    DiskStatistics statistics,
    boolean incremental,
    Optional<String> fullReason) {
  /** Checks name and size. */
  public DiskRecord {
    Checks.name("disk name", name);
    Checks.that(!name.contains(".."), "disk name", name, "no two dots in a row");
    Checks.notNegative("disk size", sizeBytes);
  }
}
