package io.nbdvault.engine.serve;

/**
 * Every bound that serving snapshots keeps, beside the server's own.
 *
 * @param chunkCacheBytes decompressed chunks kept in memory, of all exports together
 * @param chunksMin chunks that are kept however large they are; more than threads that read
 * @param leavesMax parts of trees kept in memory, of 128 ids each: 7 KB
 * @param readAheadBytes how far what a client reads in order is read ahead of it
 * @param readAheadThreads threads that read ahead, of all exports together
 * @param readAheadTasksMax runs of chunks that wait for them; what would be more is not read ahead
 * @param snapshotsOpenMax snapshots that are open at once, each once, however many use it
 * @param momentsMax states of the repository that are open at once: the newest, and earlier ones of
 *     which an open snapshot has been reclaimed since
 * @param renewalMillisMin between two openings of the repository
 * @param contextsMax metadata contexts that are named for one query
 */
public record ServeLimits(
    long chunkCacheBytes,
    int chunksMin,
    int leavesMax,
    int readAheadBytes,
    int readAheadThreads,
    int readAheadTasksMax,
    int snapshotsOpenMax,
    int momentsMax,
    int renewalMillisMin,
    int contextsMax) {

  public ServeLimits {
    atLeast("chunkCacheBytes", chunkCacheBytes, 0);
    atLeast("chunksMin", chunksMin, 2);
    atLeast("leavesMax", leavesMax, 1);
    atLeast("readAheadBytes", readAheadBytes, 0);
    atLeast("readAheadThreads", readAheadThreads, 1);
    atLeast("readAheadTasksMax", readAheadTasksMax, 1);
    atLeast("snapshotsOpenMax", snapshotsOpenMax, 1);
    atLeast("momentsMax", momentsMax, 2);
    atLeast("renewalMillisMin", renewalMillisMin, 0);
    atLeast("contextsMax", contextsMax, 1);
  }

  /**
   * The limits of a command: 64 MiB of chunks and 7 MB of trees, which 8 GiB of a disk have.
   *
   * @param contextsMax as the server's limits say
   */
  public static ServeLimits defaults(int contextsMax) {
    return new ServeLimits(64L << 20, 16, 1024, 2 << 20, 2, 64, 4_096, 4, 1_000, contextsMax);
  }

  private static void atLeast(String name, long value, long min) {
    if (value < min) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + min + ")");
    }
  }
}
