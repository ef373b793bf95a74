package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DiskReader;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ids of the chunks of disks, as the leaves of their trees have them, so that a tree is not
 * walked from its root for every read. Disks with the same tree share them. The least recently used
 * go first.
 */
final class LeafCache {
  /** Chunks in a leaf: 8 MiB of a disk, if a chunk has 64 KiB. */
  static final int CHUNKS = 128;

  private record Key(ChunkId root, long leaf) {}

  private final int leavesMax;

  @GuardedBy("this")
  private final Map<Key, ChunkId[]> leaves = new LinkedHashMap<>(16, 0.75f, true);

  LeafCache(int leavesMax) {
    this.leavesMax = leavesMax;
  }

  /** Finds a leaf's ids where it is read. */
  @FunctionalInterface
  interface Loader {
    ChunkId[] load(long leaf) throws IOException;
  }

  /**
   * The id of a chunk, {@link ChunkId#ZERO} for one of zeros.
   *
   * @param root of the disk's tree
   * @throws IOException what the loader threw
   */
  ChunkId id(ChunkId root, long chunkIndex, Loader loader) throws IOException {
    Key key = new Key(root, chunkIndex / CHUNKS);
    ChunkId[] ids = find(key);
    if (ids == null) {
      ids = loader.load(key.leaf());
      keep(key, ids);
    }
    return ids[(int) (chunkIndex % CHUNKS)];
  }

  /** Reads a leaf's ids; zeros behind the end of the disk. */
  static ChunkId[] load(DiskReader disk, long leaf) throws IOException {
    ChunkId[] ids = new ChunkId[CHUNKS];
    Arrays.fill(ids, ChunkId.ZERO);
    long first = leaf * CHUNKS;
    long chunks = (disk.sizeBytes() - 1) / disk.chunkSizeBytes() + 1;
    disk.forEachChunk(
        first,
        Math.min(chunks, first + CHUNKS),
        (index, id, length) -> {
          ids[(int) (index - first)] = id;
          return true;
        });
    return ids;
  }

  private synchronized ChunkId @Nullable [] find(Key key) {
    return leaves.get(key);
  }

  private synchronized void keep(Key key, ChunkId[] ids) {
    leaves.put(key, ids);
    if (leaves.size() > leavesMax) {
      leaves.remove(leaves.keySet().iterator().next());
    }
  }
}
