package io.nbdvault.engine.serve.overlay;

/**
 * Where everything is in an overlay's file. A cluster has one place in it, whether that is used or
 * not; what is not used is a hole of the file.
 *
 * <pre>
 *        0 +----------------------------------+
 *          | header                           |
 *    4,096 +----------------------------------+
 *          | map block 0, slot 0              |
 *    8,192 | map block 0, slot 1              |
 *   12,288 | map block 1, slot 0 ...          |
 *        d +----------------------------------+  d: the next multiple of the cluster size
 *          | cluster 0                        |
 *          | cluster 1 ...                    |
 *          +----------------------------------+  d + size of the disk
 * </pre>
 *
 * @param sizeBytes of the disk
 */
record OverlayLayout(long sizeBytes, int clusterBytes) {
  /** A petabyte of 64 KiB clusters; its map takes 4 GiB of memory. */
  private static final long BLOCKS_MAX = 1 << 20;

  OverlayLayout {
    if (sizeBytes / clusterBytes / OverlayMap.CLUSTERS_PER_BLOCK >= BLOCKS_MAX) {
      throw new IllegalArgumentException("sizeBytes: " + sizeBytes + " (expected: fewer)");
    }
  }

  static OverlayLayout of(OverlayHeader header) {
    return new OverlayLayout(header.sizeBytes(), header.clusterBytes());
  }

  long clusterCount() {
    return sizeBytes == 0 ? 0 : (sizeBytes - 1) / clusterBytes + 1;
  }

  int blockCount() {
    return (int)
        ((clusterCount() + OverlayMap.CLUSTERS_PER_BLOCK - 1) / OverlayMap.CLUSTERS_PER_BLOCK);
  }

  long slotOffset(int block, int slot) {
    return OverlayHeader.BYTES + (2L * block + slot) * OverlayMap.BLOCK_BYTES;
  }

  long dataOffset() {
    long mapEnd = slotOffset(blockCount(), 0);
    return (mapEnd + clusterBytes - 1) / clusterBytes * clusterBytes;
  }

  /** Where a byte of the disk is if its cluster holds data. */
  long offsetOf(long diskOffset) {
    return dataOffset() + diskOffset;
  }

  long clusterOf(long diskOffset) {
    return diskOffset / clusterBytes;
  }

  long startOf(long cluster) {
    return cluster * clusterBytes;
  }

  /** Length of a cluster; the last may be short. */
  int lengthOf(long cluster) {
    return (int) Math.min(clusterBytes, sizeBytes - startOf(cluster));
  }

  long fileBytes() {
    return dataOffset() + sizeBytes;
  }
}
