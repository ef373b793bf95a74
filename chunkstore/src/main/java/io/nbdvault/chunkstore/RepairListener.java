package io.nbdvault.chunkstore;

/** Hears how a repair, or the search for what it would do, goes on. */
@FunctionalInterface
public interface RepairListener {
  /**
   * Is told what is being done.
   *
   * @param what such as reading a file
   * @param done how much of it is done: files or rows
   * @param expected how much there is in all, 0 if that is not known
   */
  void onProgress(String what, long done, long expected);
}
