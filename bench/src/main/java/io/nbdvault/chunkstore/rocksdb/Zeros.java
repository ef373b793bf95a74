package io.nbdvault.chunkstore.rocksdb;

/** The store's own test for zeros, which it does only on its way to something else. */
public final class Zeros {
  private Zeros() {}

  /** Whether {@code plain[offset, offset + length)} holds only zeros, as {@code zeros} does. */
  public static boolean isZero(byte[] plain, int offset, int length, byte[] zeros) {
    return RocksBackupSession.isZero(plain, offset, length, zeros);
  }
}
