package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.NodeSource;
import java.util.Arrays;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Finds and reads chunks and nodes. Whatever is read is proved to be what was asked for: first the
 * record's checksum, then its header against the index, then the id of the plain bytes. Any thread
 * may use it.
 */
final class ContentReader implements NodeSource {
  private final Database database;
  private final ContentCipher cipher;
  private final int plainLengthMax;
  private final ThreadLocal<byte[]> recordBuffer;
  private final ThreadLocal<byte[]> plainBuffer;

  ContentReader(Database database, ContentCipher cipher, int chunkSizeBytes) {
    this.database = database;
    this.cipher = cipher;
    this.plainLengthMax = Math.max(chunkSizeBytes, TreeNode.BYTES_MAX);
    this.recordBuffer = ThreadLocal.withInitial(() -> new byte[recordLengthMax()]);
    this.plainBuffer = ThreadLocal.withInitial(() -> new byte[plainLengthMax]);
  }

  /**
   * The index row of some content, or null if the store does not have it.
   *
   * @throws DamagedException if the row is damaged: it says nothing, not even where the content is
   */
  @Nullable IndexRow lookUp(IndexKey key) throws StoreException {
    byte[] row = rowBytes(key);
    try {
      return row == null ? null : IndexRow.decode(row);
    } catch (MalformedRecordException e) {
      throw new DamagedException("index of " + key, OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }

  /** The bytes of the index row of some content, whole or not; null if there is none. */
  byte @Nullable [] rowBytes(IndexKey key) throws StoreException {
    try {
      return database.get(Family.INDEX, key.encode());
    } catch (DamagedException e) {
      throw new DamagedException("index of " + key, OptionalLong.empty(), e.reason(), e);
    }
  }

  /** The store's logical time. No session that runs has a later epoch. */
  long epoch() throws StoreException {
    return Counter.EPOCH.read(database);
  }

  /**
   * The row that a damaged one was, by the record that it names or, as most damage is a bit, by one
   * whose ordinal differs in a bit. The record's header and checksum say that it is the right one.
   *
   * @return the row, of the store's epoch now; null if no such record is there
   */
  @Nullable IndexRow recover(IndexKey key, byte[] damagedRow) throws StoreException {
    OptionalLong named = IndexRow.ordinalOfDamaged(damagedRow);
    if (named.isEmpty()) {
      return null;
    }
    IndexRow found = rowOfRecordAt(named.getAsLong(), key);
    for (int bit = 0; bit < Long.SIZE && found == null; bit++) {
      found = rowOfRecordAt(named.getAsLong() ^ (1L << bit), key);
    }
    return found;
  }

  private @Nullable IndexRow rowOfRecordAt(long ordinal, IndexKey key) throws StoreException {
    if (ordinal < 1 || ordinal > IndexRow.ORDINAL_MAX) {
      return null;
    }
    byte[] record = recordBuffer.get();
    try {
      int length = database.get(Family.CHUNK, OrdinalKey.of(ordinal), record);
      if (length == Database.NOT_FOUND || length > record.length) {
        return null;
      }
      ContentRecord header = ContentRecord.decode(record, length, ordinal);
      boolean isOfKey = header.type() == key.type() && header.id().equals(key.id());
      return isOfKey ? new IndexRow(ordinal, header.plainLength(), epoch(), length, false) : null;
    } catch (DamagedException | MalformedRecordException e) {
      // Whatever lies there, it is not what is searched.
      return null;
    }
  }

  /**
   * Reads a chunk.
   *
   * @return its length
   * @throws IllegalArgumentException if the destination is too short
   */
  int readChunk(ChunkId id, byte[] destination, int offset) throws StoreException {
    IndexKey key = new IndexKey(RecordType.CHUNK, id);
    IndexRow row = require(key);
    if (offset < 0 || row.plainLength() > destination.length - offset) {
      throw new IllegalArgumentException(
          "destination: "
              + (destination.length - offset)
              + " bytes (expected: >= "
              + row.plainLength()
              + ")");
    }
    readContent(key, row, destination, offset);
    return row.plainLength();
  }

  /** Whether these bytes are the chunk of that id. Nothing is read. */
  boolean isChunk(ChunkId id, byte[] content, int offset, int length) {
    return cipher.id(RecordType.CHUNK, content, offset, length).equals(id);
  }

  @Override
  public TreeNode read(ChunkId id) throws StoreException {
    return readNode(id, require(new IndexKey(RecordType.NODE, id)));
  }

  /** Reads a node whose row was looked up before. */
  TreeNode readNode(ChunkId id, IndexRow row) throws StoreException {
    IndexKey key = new IndexKey(RecordType.NODE, id);
    if (row.plainLength() > TreeNode.BYTES_MAX) {
      throw damaged(key, row, "plain length of a node: " + row.plainLength(), null);
    }
    byte[] plain = new byte[row.plainLength()];
    readContent(key, row, plain, 0);
    try {
      return TreeNode.decode(plain, plain.length);
    } catch (MalformedRecordException e) {
      throw damaged(key, row, "" + e.getMessage(), e);
    }
  }

  /**
   * Reads the node whose record lies at an ordinal, without the index. The record says itself which
   * node it is, and that is checked as always.
   */
  TreeNode readNodeAt(long ordinal) throws StoreException {
    byte[] record = recordBuffer.get();
    String what = "record " + ordinal;
    int length = database.get(Family.CHUNK, OrdinalKey.of(ordinal), record);
    if (length == Database.NOT_FOUND || length > record.length) {
      throw new DamagedException(what, OptionalLong.of(ordinal), "length " + length, null);
    }
    try {
      ContentRecord header = ContentRecord.decode(record, length, ordinal);
      if (header.plainLength() > TreeNode.BYTES_MAX) {
        throw new MalformedRecordException(40, "plain length: " + header.plainLength());
      }
      byte[] plain = new byte[header.plainLength()];
      open(header, record, plain, 0);
      ChunkId found = cipher.id(RecordType.NODE, plain, 0, plain.length);
      if (header.type() != RecordType.NODE || !found.equals(header.id())) {
        throw new MalformedRecordException(8, "not the node " + header.id());
      }
      return TreeNode.decode(plain, plain.length);
    } catch (MalformedRecordException e) {
      throw new DamagedException(what, OptionalLong.of(ordinal), "" + e.getMessage(), e);
    }
  }

  /**
   * Checks content as if it were read.
   *
   * @param checksumOnly whether its record's checksum and header are enough
   * @throws DamagedException if it is missing or is not what its id says
   */
  void check(IndexKey key, IndexRow row, boolean checksumOnly) throws StoreException {
    if (row.plainLength() > plainLengthMax) {
      throw damaged(key, row, "plain length: " + row.plainLength(), null);
    }
    if (!checksumOnly) {
      readContent(key, row, plainBuffer.get(), 0);
      return;
    }
    byte[] record = recordBuffer.get();
    int length = readRecord(key, row, record);
    try {
      checkIsOf(key, row, ContentRecord.decode(record, length, row.ordinal()));
    } catch (MalformedRecordException e) {
      throw damaged(key, row, "" + e.getMessage(), e);
    }
  }

  /**
   * Checks a record that was found under an ordinal, and that its plain bytes have its id.
   *
   * @return what its header says
   */
  ContentRecord check(byte[] record, int length, long ordinal) throws MalformedRecordException {
    ContentRecord header = ContentRecord.decode(record, length, ordinal);
    if (header.plainLength() > plainLengthMax) {
      throw new MalformedRecordException(
          40, "plain length: " + header.plainLength() + " (expected: <= " + plainLengthMax + ")");
    }
    byte[] plain = plainBuffer.get();
    open(header, record, plain, 0);
    ChunkId found = cipher.id(header.type(), plain, 0, header.plainLength());
    if (!found.equals(header.id())) {
      throw new MalformedRecordException(
          8, "id: " + header.id() + " (its bytes have " + found + ")");
    }
    return header;
  }

  /** Whether a new record, whose checksum is still to be written, opens to these bytes. */
  boolean opensTo(byte[] record, byte[] plain, int offset, int length) {
    byte[] copy = record.clone();
    byte[] opened = plainBuffer.get();
    try {
      // The checksum takes in the ordinal, which the writer gives: any will do here.
      ContentRecord.seal(copy, 1);
      ContentRecord header = ContentRecord.decode(copy, copy.length, 1);
      if (header.plainLength() != length) {
        return false;
      }
      open(header, copy, opened, 0);
      return Arrays.equals(opened, 0, length, plain, offset, offset + length);
    } catch (MalformedRecordException e) {
      return false;
    }
  }

  /** Longest record of this repository. */
  int recordLengthMax() {
    return ContentRecord.HEADER_BYTES + plainLengthMax + ContentRecord.SEAL_BYTES;
  }

  /** Length of a record whose row does not know it, because an earlier version wrote it. */
  int recordLength(IndexKey key, IndexRow row) throws StoreException {
    return readRecord(key, row, recordBuffer.get());
  }

  /** What is read proves itself, so for reading a damaged row is as good as what it leads to. */
  private IndexRow require(IndexKey key) throws StoreException {
    byte[] bytes = rowBytes(key);
    if (bytes == null) {
      throw damaged(key, OptionalLong.empty(), "is missing", null);
    }
    IndexRow row = IndexRow.ifWhole(bytes);
    IndexRow found = row == null ? recover(key, bytes) : row;
    if (found == null) {
      throw damaged(key, OptionalLong.empty(), "its row in the index is damaged", null);
    }
    return found;
  }

  private void readContent(IndexKey key, IndexRow row, byte[] destination, int offset)
      throws StoreException {
    byte[] record = recordBuffer.get();
    int length = readRecord(key, row, record);
    try {
      ContentRecord header = ContentRecord.decode(record, length, row.ordinal());
      checkIsOf(key, row, header);
      open(header, record, destination, offset);
    } catch (MalformedRecordException e) {
      throw damaged(key, row, "" + e.getMessage(), e);
    }
    ChunkId found = cipher.id(key.type(), destination, offset, row.plainLength());
    if (!found.equals(key.id())) {
      throw damaged(key, row, "its bytes have the id " + found, null);
    }
  }

  /** Authenticates the payload, if it is sealed, and only then decompresses it. */
  private void open(ContentRecord header, byte[] record, byte[] destination, int offset)
      throws MalformedRecordException {
    int compressedOffset = cipher.open(header, record);
    ChunkCodec.of(header.codec())
        .decompress(
            record,
            compressedOffset,
            header.compressedLength(),
            destination,
            offset,
            header.plainLength());
  }

  private int readRecord(IndexKey key, IndexRow row, byte[] record) throws StoreException {
    int length;
    try {
      byte[] at = OrdinalKey.of(row.ordinal());
      length =
          key.type() == RecordType.CHUNK
              ? database.getOnce(Family.CHUNK, at, record)
              : database.get(Family.CHUNK, at, record);
    } catch (DamagedException e) {
      throw damaged(key, row, e.reason(), e);
    }
    if (length == Database.NOT_FOUND) {
      throw damaged(key, row, "its record is missing", null);
    }
    if (length > record.length) {
      throw damaged(key, row, "its record has " + length + " bytes", null);
    }
    return length;
  }

  private static void checkIsOf(IndexKey key, IndexRow row, ContentRecord header)
      throws DamagedException {
    if (header.type() != key.type() || !header.id().equals(key.id())) {
      throw damaged(key, row, "the record is of " + header.type() + " " + header.id(), null);
    }
    if (header.plainLength() != row.plainLength()) {
      String lengths = header.plainLength() + " (expected: " + row.plainLength() + ")";
      throw damaged(key, row, "plain length: " + lengths, null);
    }
  }

  private static DamagedException damaged(
      IndexKey key, IndexRow row, String reason, @Nullable Throwable cause) {
    return damaged(key, OptionalLong.of(row.ordinal()), reason, cause);
  }

  private static DamagedException damaged(
      IndexKey key, OptionalLong ordinal, String reason, @Nullable Throwable cause) {
    boolean isNode = key.type() == RecordType.NODE;
    return DamagedException.of(new DamagedContent(key.id(), isNode, ordinal, reason), cause);
  }
}
