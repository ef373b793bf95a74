package io.nbdvault.engine.qemu;

import io.nbdvault.qmp.block.BlockImage;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.block.DirtyBitmap;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A disk of a QEMU that can be backed up.
 *
 * @param name what the user knows it by
 * @param nodeName the first node under its device that is not a filter: where bitmaps live
 * @param imageChain its images, the top one first; absolute paths where they are files
 */
record LiveDisk(
    String name,
    String nodeName,
    String format,
    long sizeBytes,
    boolean readOnly,
    boolean keepsBitmaps,
    long allocatedBytes,
    List<String> imageChain,
    List<DirtyBitmap> bitmaps) {

  /**
   * Describes a node.
   *
   * @param directory what relative file names are relative to: QEMU's working directory
   */
  static LiveDisk of(String name, BlockNode node, Optional<Path> directory) {
    long allocated = 0;
    for (BlockImage image : node.chain()) {
      allocated += Math.max(0, image.actualSizeBytes());
    }
    return new LiveDisk(
        name,
        node.nodeName(),
        node.driver(),
        node.virtualSizeBytes(),
        node.readOnly(),
        keepsBitmaps(node),
        allocated,
        node.chain().stream().map(image -> absolute(image.filename(), directory)).toList(),
        node.dirtyBitmaps());
  }

  /** Only qcow2 of version 3 with its data inside stores bitmaps. */
  private static boolean keepsBitmaps(BlockNode node) {
    return node.driver().equals("qcow2")
        && node.formatSpecific()
            .map(
                specific ->
                    specific.path("compat").asText().equals("1.1")
                        && !specific.path("data-file-raw").asBoolean(false))
            .orElse(false);
  }

  private static String absolute(String filename, Optional<Path> directory) {
    if (filename.contains(":") && !filename.startsWith("/")) {
      return filename; // A protocol, or QEMU's json: form of something that is not one file.
    }
    Path path = directory.map(base -> base.resolve(filename)).orElse(Path.of(filename)).normalize();
    try {
      return path.toRealPath().toString();
    } catch (java.io.IOException notSeenFromHere) {
      return path.toString();
    }
  }

  /** The top image's file name, absolute if it is a file. */
  String image() {
    return imageChain.get(0);
  }

  /** The directory of the top image, where it is a file on this host. */
  Optional<Path> imageDirectory() {
    if (!image().startsWith("/")) {
      return Optional.empty();
    }
    Path path = Path.of(image());
    return Files.isRegularFile(path) ? Optional.ofNullable(path.getParent()) : Optional.empty();
  }
}
