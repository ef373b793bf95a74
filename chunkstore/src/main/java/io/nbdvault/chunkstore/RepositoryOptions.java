package io.nbdvault.chunkstore;

/**
 * What is chosen when a repository is created.
 *
 * @param chunkSizeBytes length of every chunk but a disk's last: a power of two, 16 KiB to 4 MiB
 * @param compression what a backup uses unless it is told otherwise
 */
public record RepositoryOptions(int chunkSizeBytes, Compression compression) {
  /** Smallest chunk size. */
  public static final int CHUNK_SIZE_BYTES_MIN = 16 << 10;

  /** Largest chunk size. */
  public static final int CHUNK_SIZE_BYTES_MAX = 4 << 20;

  /** Checks the bounds given above. */
  public RepositoryOptions {
    checkChunkSize(chunkSizeBytes);
  }

  /** 64 KiB, which is QEMU's default bitmap granularity and qcow2 cluster size, and LZ4. */
  public static RepositoryOptions defaults() {
    return new RepositoryOptions(64 << 10, Compression.LZ4);
  }

  static void checkChunkSize(int bytes) {
    Checks.that(
        bytes >= CHUNK_SIZE_BYTES_MIN
            && bytes <= CHUNK_SIZE_BYTES_MAX
            && Integer.bitCount(bytes) == 1,
        "chunk size",
        bytes,
        "a power of two from " + CHUNK_SIZE_BYTES_MIN + " to " + CHUNK_SIZE_BYTES_MAX);
  }
}
