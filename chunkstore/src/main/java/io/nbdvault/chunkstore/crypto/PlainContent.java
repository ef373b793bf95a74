package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotSeal;

/** A repository that is not encrypted: ids are hashes that anybody can compute. */
public final class PlainContent implements ContentCipher {
  @Override
  public ChunkId id(RecordType type, byte[] plain, int offset, int length) {
    return ContentId.of(plain, offset, length);
  }

  @Override
  public SnapshotSeal snapshots() {
    return SnapshotSeal.NONE;
  }

  @Override
  public int keyEpoch() {
    return 0;
  }

  @Override
  public int prefixBytes() {
    return 0;
  }

  @Override
  public int suffixBytes() {
    return 0;
  }

  @Override
  public void seal(ContentRecord header, byte[] record) {
    // The record is complete as it is.
  }

  @Override
  public int open(ContentRecord header, byte[] record) throws MalformedRecordException {
    if (header.keyEpoch() != 0) {
      throw new MalformedRecordException(4, "key epoch: " + header.keyEpoch() + " (expected: 0)");
    }
    return ContentRecord.HEADER_BYTES;
  }
}
