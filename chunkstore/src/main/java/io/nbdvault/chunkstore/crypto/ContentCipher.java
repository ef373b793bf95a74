package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotSeal;

/** How the content of a repository gets its ids, and how its records are sealed. Any thread. */
public interface ContentCipher {
  /** The id of the content {@code plain[offset, offset + length)}: of a chunk or of a node. */
  ChunkId id(RecordType type, byte[] plain, int offset, int length);

  /** How snapshot records are sealed. */
  SnapshotSeal snapshots();

  /** The key epoch of new records; 0 if they are not encrypted. */
  int keyEpoch();

  /** Bytes that sealing puts before the compressed bytes of a new record. */
  int prefixBytes();

  /** Bytes that sealing puts behind the compressed bytes of a new record. */
  int suffixBytes();

  /**
   * Seals a new record in place. It fills the whole array: a complete header but for its checksum,
   * {@link #prefixBytes} of room, the compressed bytes, {@link #suffixBytes} of room.
   *
   * @param header what the record's header says
   */
  void seal(ContentRecord header, byte[] record);

  /**
   * Opens the payload of a record in place, after its checksum and its header were found good.
   *
   * @return where the compressed bytes begin in the array; they are as many as {@link
   *     ContentRecord#compressedLength} says
   * @throws MalformedRecordException if it was not sealed by somebody who has the key, or was not
   *     sealed and should be
   */
  int open(ContentRecord header, byte[] record) throws MalformedRecordException;
}
