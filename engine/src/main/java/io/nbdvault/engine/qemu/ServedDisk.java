package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockDevice;
import io.nbdvault.qmp.block.BlockGraph;
import io.nbdvault.qmp.block.BlockNode;
import java.util.ArrayList;
import java.util.List;

/**
 * A disk of a running QEMU, and whether it needs an NBD server.
 *
 * @param name what the user knows it by, as in a backup
 * @param nodeName the first node under its device that is not a filter: what is mirrored
 * @param nodes that node and all beneath it
 * @param files of these, the images that are files, the top one first
 * @param needsServer whether any of them reads from an NBD server
 */
record ServedDisk(
    String name,
    String nodeName,
    long sizeBytes,
    List<String> nodes,
    List<String> files,
    boolean needsServer) {
  private static final String NBD = "nbd";

  ServedDisk {
    nodes = List.copyOf(nodes);
    files = List.copyOf(files);
  }

  /** Asks a QEMU for all of its disks. */
  static List<ServedDisk> query(BlockCommands qemu) throws QmpException, JobException {
    BlockGraph graph = qemu.queryBlockGraph();
    List<BlockNode> nodes = qemu.queryNamedBlockNodes();
    List<ServedDisk> disks = new ArrayList<>();
    for (BlockDevice device : qemu.queryBlock()) {
      if (DiskInventory.skipReason(device).isEmpty()) {
        String name = DiskInventory.nameOf(device);
        BlockNode node = DiskInventory.beneathFilters(graph, nodes, device, name);
        disks.add(of(name, node, graph, nodes));
      }
    }
    return disks;
  }

  private static ServedDisk of(
      String name, BlockNode top, BlockGraph graph, List<BlockNode> allNodes) {
    List<String> names = graph.withDescendants(top.nodeName());
    List<BlockNode> beneath =
        allNodes.stream().filter(node -> names.contains(node.nodeName())).toList();
    return new ServedDisk(
        name,
        top.nodeName(),
        top.virtualSizeBytes(),
        names,
        beneath.stream().filter(n -> n.driver().equals("file")).map(BlockNode::file).toList(),
        beneath.stream().anyMatch(node -> node.driver().equals(NBD)));
  }
}
