package io.nbdvault.chunkstore.rocksdb;

/** Records on their way from the thread that reads to one that checks. Is used again and again. */
final class VerifyBatch {
  /** Bytes of a batch: enough that a new iterator for each does not matter. */
  private static final int BYTES = 2 << 20;

  private static final int RECORDS_MAX = 1024;

  private final byte[] bytes;
  private final int recordLengthMax;
  private final long[] ordinals = new long[RECORDS_MAX];
  private final int[] offsets = new int[RECORDS_MAX + 1];
  private int count;

  /**
   * Makes a batch.
   *
   * @param recordLengthMax longest record of the repository; a longer one is damaged
   */
  VerifyBatch(int recordLengthMax) {
    this.bytes = new byte[Math.max(BYTES, recordLengthMax)];
    this.recordLengthMax = recordLengthMax;
  }

  void clear() {
    count = 0;
  }

  boolean isFull() {
    return count == RECORDS_MAX || bytes.length - offsets[count] < recordLengthMax;
  }

  int count() {
    return count;
  }

  long ordinal(int record) {
    return ordinals[record];
  }

  byte[] bytes() {
    return bytes;
  }

  int offset(int record) {
    return offsets[record];
  }

  int length(int record) {
    return offsets[record + 1] - offsets[record];
  }

  /** Bytes of all its records. */
  int lengthOfAll() {
    return offsets[count];
  }

  /** Where the next record is to be written. */
  int end() {
    return offsets[count];
  }

  /** How long the next record may be. */
  int room() {
    return recordLengthMax;
  }

  /** Takes in a record that was written at {@link #end}. */
  void add(long ordinal, int length) {
    ordinals[count] = ordinal;
    offsets[count + 1] = offsets[count] + length;
    count++;
  }
}
