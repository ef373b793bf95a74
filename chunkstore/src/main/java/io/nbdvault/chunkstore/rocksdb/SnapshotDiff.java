package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DiffVisitor;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.tree.NodeSource;
import io.nbdvault.chunkstore.tree.TreeDiff;
import io.nbdvault.chunkstore.tree.TreeShape;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * In what two snapshots differ.
 *
 * @param nodes where the nodes of their trees are read
 * @param chunkSizeBytes of the repository
 */
record SnapshotDiff(NodeSource nodes, int chunkSizeBytes) {
  void show(SnapshotRecord from, SnapshotRecord to, DiffVisitor visitor) throws IOException {
    Set<String> names = new TreeSet<>();
    from.disks().forEach(disk -> names.add(disk.name()));
    to.disks().forEach(disk -> names.add(disk.name()));
    for (String name : names) {
      Optional<DiskRecord> before = from.disk(name);
      Optional<DiskRecord> after = to.disk(name);
      boolean wanted = visitor.disk(name, before, after);
      if (wanted && before.isPresent() && after.isPresent()) {
        showRanges(before.get(), after.get(), visitor);
      }
    }
  }

  private void showRanges(DiskRecord before, DiskRecord after, DiffVisitor visitor)
      throws IOException {
    long sizeBytes = Math.max(before.sizeBytes(), after.sizeBytes());
    TreeDiff.forEachRange(
        TreeShape.ofDisk(before.sizeBytes(), chunkSizeBytes),
        before.root(),
        TreeShape.ofDisk(after.sizeBytes(), chunkSizeBytes),
        after.root(),
        nodes,
        (first, end) -> {
          long offset = first * chunkSizeBytes;
          boolean toTheEnd = end > sizeBytes / chunkSizeBytes;
          visitor.range(offset, toTheEnd ? sizeBytes - offset : (end - first) * chunkSizeBytes);
          return true;
        });
  }
}
