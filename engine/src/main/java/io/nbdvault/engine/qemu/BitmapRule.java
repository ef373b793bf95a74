package io.nbdvault.engine.qemu;

import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.engine.source.VmHistory;
import java.util.List;
import java.util.Optional;

/**
 * Tells which bitmaps of this repository still count: those that a committed snapshot continues
 * from. Every other one was left by a run that died, or has been replaced. Bitmaps of other
 * repositories and of other programs are never judged.
 */
record BitmapRule(String repositoryId, VmHistory history, List<LiveDisk> disks) {

  static BitmapRule of(SourceContext context, List<LiveDisk> disks) {
    return new BitmapRule(context.repositoryId(), context.history(), disks);
  }

  /** Whether a bitmap can go, as things stand in the repository. */
  boolean isStale(String node, String bitmap) {
    return isStale(node, bitmap, Optional.empty());
  }

  /** Whether a bitmap can go, now that {@code committed} is what these disks continue from. */
  boolean isStaleAfter(String committed, String node, String bitmap) {
    return isStale(node, bitmap, Optional.of(committed));
  }

  private boolean isStale(String node, String found, Optional<String> committed) {
    String bitmap = RunNames.checkpointOf(found); // A size mark goes when its checkpoint goes.
    if (!RunNames.isOfRepository(bitmap, repositoryId) || history.isLiveElsewhere(bitmap)) {
      return false;
    }
    for (LiveDisk disk : disks) {
      if (disk.nodeName().equals(node)) {
        return !committed.or(() -> history.bitmap(disk.name())).equals(Optional.of(bitmap));
      }
    }
    return !history.isLive(bitmap); // A disk that this run leaves out.
  }
}
