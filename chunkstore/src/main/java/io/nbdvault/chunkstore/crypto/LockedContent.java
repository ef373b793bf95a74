package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotSeal;

/**
 * An encrypted repository that was opened without its key: checksums can be checked, and that is
 * all. Every other use is a bug of ours.
 */
public final class LockedContent implements ContentCipher, SnapshotSeal {
  @Override
  public ChunkId id(RecordType type, byte[] plain, int offset, int length) {
    throw locked();
  }

  @Override
  public int keyEpoch() {
    throw locked();
  }

  @Override
  public int prefixBytes() {
    throw locked();
  }

  @Override
  public int suffixBytes() {
    throw locked();
  }

  @Override
  public void seal(ContentRecord header, byte[] record) {
    throw locked();
  }

  @Override
  public int open(ContentRecord header, byte[] record) {
    throw locked();
  }

  @Override
  public SnapshotSeal snapshots() {
    return this;
  }

  @Override
  public boolean isSealing() {
    return true;
  }

  @Override
  public boolean isLocked() {
    return true;
  }

  @Override
  public byte[] seal(byte[] key, byte[] header, byte[] json) {
    throw locked();
  }

  @Override
  public byte[] open(byte[] key, byte[] header, byte[] payload) {
    throw locked();
  }

  private static IllegalStateException locked() {
    return new IllegalStateException("the repository was opened without its key");
  }
}
