package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.qemu.PointInTime.Part;
import io.nbdvault.engine.qemu.RunNames.Role;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExportRequest;
import io.nbdvault.qmp.block.DirtyBitmap;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;

/**
 * Notices that a disk was shrunk and grown back between two backups. Its size is as before, its
 * checkpoint has no bit of it, and on a raw image QEMU 7.2 may even report the lost range as data,
 * from its cache of block status. So beside the checkpoint stands a second bitmap, disabled, with
 * only the disk's last bit set. A shrink cuts that bit off, and no growth brings it back.
 *
 * <p>QMP cannot set a bit. It is set by a write to a node without content, {@code null-co}, of the
 * same size, and merged from there. A qcow2 image of the usual kind needs no mark: what a shrink
 * cuts off reads as zeroes afterwards, and zeroes win over the bitmap.
 */
final class SizeMark {
  /** QEMU rounds the size of every disk up to this. */
  private static final int SECTOR_BYTES = 512;

  private static final String BITMAP = "mark";

  private final QmpClient client;
  private final BlockCommands qemu;
  private final RunNames names;

  SizeMark(QmpClient client, BlockCommands qemu, RunNames names) {
    this.client = client;
    this.qemu = qemu;
    this.names = names;
  }

  /** Whether the mark beside a checkpoint is there and still holds its bit. */
  static boolean isWhole(List<DirtyBitmap> bitmaps, String checkpoint) {
    String name = RunNames.sizeMarkOf(checkpoint);
    return bitmaps.stream()
        .anyMatch(
            b ->
                b.name().equals(name) && !b.recording() && !b.inconsistent() && b.countBytes() > 0);
  }

  /**
   * Sets a disk's mark. The disk's copy-before-write job must be running: as long as it is, QEMU
   * refuses to resize the disk.
   *
   * @param socket of the NBD server, which must be running
   */
  void set(Part part, Path socket) throws QmpException, NbdException, InterruptedException {
    String node = names.of(Role.MARK, part.index());
    String export = names.of(Role.MARK, part.index());
    long sizeBytes = part.disk().sizeBytes();
    qemu.blockdevAdd(
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", "null-co")
            .put("node-name", node)
            .put("size", sizeBytes));
    qemu.dirtyBitmapAdd(node, BITMAP, PointInTime.GRANULARITY_BYTES, false, false);
    qemu.blockExportAddNbd(new BlockExportRequest(export, node, export, true, List.of(), false));
    writeLastSector(NbdUri.unix(socket, export), sizeBytes);
    String mark = RunNames.sizeMarkOf(names.checkpointBitmap());
    String disk = part.disk().nodeName();
    qemu.dirtyBitmapAdd(disk, mark, PointInTime.GRANULARITY_BYTES, false, true);
    merge(node, disk, mark);
    // The export and the node go with everything else of the run.
  }

  private static void writeLastSector(NbdUri uri, long sizeBytes)
      throws NbdException, InterruptedException {
    try (NbdClient nbd =
        NbdClient.open(
            uri, NbdClientOptions.defaults().withConnections(1).withMetaContexts(List.of()))) {
      nbd.write(sizeBytes - SECTOR_BYTES, ByteBuffer.allocate(SECTOR_BYTES)).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  /** From another node, which the schema has allowed since 4.1. */
  private void merge(String fromNode, String disk, String mark) throws QmpException {
    ObjectNode arguments =
        JsonNodeFactory.instance.objectNode().put("node", disk).put("target", mark);
    ArrayNode sources = arguments.putArray("bitmaps");
    sources.addObject().put("node", fromNode).put("name", BITMAP);
    var unused = client.execute("block-dirty-bitmap-merge", arguments);
  }
}
