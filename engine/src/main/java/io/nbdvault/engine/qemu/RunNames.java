package io.nbdvault.engine.qemu;

import io.nbdvault.chunkstore.SnapshotId;
import java.util.regex.Pattern;

/**
 * The names of everything a run makes in a QEMU. From a name alone one can tell that it is ours,
 * which repository's, and which run's; so a later run can clean up after a killed one, and touches
 * nothing else.
 *
 * <p>Node names have at most 31 characters and no {@code /} or {@code @}: {@code
 * nbdv-RRRRRRRR-XXXXXXXX-roleN}, with 8 hex digits of the repository's id and of the run's. Bitmap
 * names may be long: {@code nbdvault-cp-REPOSITORY-SNAPSHOT} for a checkpoint and {@code
 * nbdvault-export-REPOSITORY-SNAPSHOT} for the disabled copy that is exported, {@code
 * nbdvault-size-REPOSITORY-SNAPSHOT} for a {@link SizeMark}, with 32 hex digits each. A checkpoint
 * is named after the snapshot's random id, never a counter.
 */
record RunNames(String repositoryId, SnapshotId snapshotId) {
  private static final Pattern OURS = Pattern.compile("nbdv-[0-9a-f]{8}-[0-9a-f]{8}-[a-z]+\\d*");
  private static final String CHECKPOINT = "nbdvault-cp-";
  private static final String EXPORT = "nbdvault-export-";
  private static final String SIZE = "nbdvault-size-";
  private static final Pattern CHECKPOINT_OURS =
      Pattern.compile("nbdvault-(cp|size)-[0-9a-f]{32}-[0-9a-f]{32}");
  private static final Pattern EXPORT_OURS =
      Pattern.compile("nbdvault-export-[0-9a-f]{32}-[0-9a-f]{32}");

  /** What a named thing is for; its lower-case name stands in the thing's name. */
  enum Role {
    /** The overlay that old data is copied to, on a disk. */
    SCRATCH,
    /** The overlay's file; its node tells the file's name. */
    FILE,
    /** A node without content on which a {@link SizeMark} is made. */
    MARK,
    /** The copy-before-write filter that QEMU inserts above a disk. */
    FILTER,
    /** The job that owns the filter. */
    JOB,
    /** The throttle filter above the overlay. */
    THROTTLE,
    /** The throttle group that the rate limit is set on. */
    GROUP,
    /** An NBD export. */
    EXPORT,
    /** Stands beside an NBD server that we started: a server has no name of its own. */
    SERVER,
    /** Stands while the guest's filesystems may be frozen by us. */
    FROZEN,
    /** The job that moves a disk; its target becomes the disk's own node. */
    MIRROR,
    /** The filter that QEMU inserts above a disk that is being moved. */
    MIRROR_FILTER,
    /** A disk's new node, which stays when it has moved. */
    DISK,
    /** The file of the new node. */
    DISK_FILE;

    private String label() {
      return switch (this) {
        case SCRATCH -> "fl";
        case FILE -> "file";
        case MARK -> "mark";
        case FILTER -> "cbw";
        case JOB -> "job";
        case THROTTLE -> "th";
        case GROUP -> "tg";
        case EXPORT -> "exp";
        case SERVER -> "server";
        case FROZEN -> "frozen";
        case MIRROR -> "mir";
        case MIRROR_FILTER -> "mtop";
        case DISK -> "disk";
        case DISK_FILE -> "dimg";
      };
    }
  }

  /** The name of one thing; {@code index} is the disk's number in this run. */
  String of(Role role, int index) {
    return prefix() + role.label() + index;
  }

  /** What a thing with this role is called beside a thing of the same run and number. */
  static String beside(String name, Role role) {
    int label = name.lastIndexOf('-') + 1;
    return name.substring(0, label) + role.label() + name.substring(label).replaceAll("\\D", "");
  }

  /** The name of something that a run has once. */
  String of(Role role) {
    return prefix() + role.label();
  }

  private String prefix() {
    return "nbdv-" + repositoryId.substring(0, 8) + "-" + snapshotId.hex().substring(0, 8) + "-";
  }

  String checkpointBitmap() {
    return CHECKPOINT + repositoryId + "-" + snapshotId.hex();
  }

  /** The name of the size mark that stands beside a checkpoint. */
  static String sizeMarkOf(String checkpoint) {
    return checkpoint.startsWith(CHECKPOINT)
        ? SIZE + checkpoint.substring(CHECKPOINT.length())
        : SIZE + checkpoint;
  }

  /** The checkpoint that a bitmap belongs to: itself, unless it is a size mark. */
  static String checkpointOf(String bitmap) {
    return bitmap.startsWith(SIZE) ? CHECKPOINT + bitmap.substring(SIZE.length()) : bitmap;
  }

  String exportBitmap() {
    return EXPORT + repositoryId + "-" + snapshotId.hex();
  }

  /** Whether a job, node, export or object was made by a run of nbdvault, any repository's. */
  static boolean isOurs(String name) {
    return OURS.matcher(name).matches();
  }

  /** Whether a name, known to be ours, has this role. */
  static boolean hasRole(String name, Role role) {
    return isOurs(name)
        && name.substring(name.lastIndexOf('-') + 1).replaceAll("\\d", "").equals(role.label());
  }

  static boolean isCheckpoint(String bitmap) {
    return CHECKPOINT_OURS.matcher(bitmap).matches();
  }

  static boolean isExportBitmap(String bitmap) {
    return EXPORT_OURS.matcher(bitmap).matches();
  }

  /** Whether a bitmap, ours, belongs to this repository. */
  static boolean isOfRepository(String bitmap, String repositoryId) {
    return bitmap.startsWith(CHECKPOINT + repositoryId + "-")
        || bitmap.startsWith(SIZE + repositoryId + "-")
        || bitmap.startsWith(EXPORT + repositoryId + "-");
  }
}
