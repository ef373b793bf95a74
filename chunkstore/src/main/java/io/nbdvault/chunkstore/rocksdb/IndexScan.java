package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.RecordType;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.OptionalLong;

/** Goes over the rows of the index, as {@link PagedScan} does. One that is damaged ends it. */
final class IndexScan {
  /** Is shown a row. May call the store. */
  @FunctionalInterface
  interface Visitor {
    void visit(IndexKey key, IndexRow row) throws StoreException;
  }

  private final Database database;

  IndexScan(Database database) {
    this.database = database;
  }

  /** Shows all rows. */
  void forEach(Visitor visitor) throws StoreException {
    scan(new byte[0], new byte[] {(byte) 0xff}, visitor);
  }

  /** Shows the rows of all nodes. */
  void forEachNode(Visitor visitor) throws StoreException {
    byte node = (byte) RecordType.NODE.code();
    scan(new byte[] {node}, new byte[] {(byte) (node + 1)}, visitor);
  }

  /** Shows the rows of the chunks whose {@link IdPart#prefixOf prefix} lies between two. */
  void forEachChunk(long firstPrefix, long lastPrefix, Visitor visitor) throws StoreException {
    long first = firstPrefix ^ Long.MIN_VALUE;
    long last = lastPrefix ^ Long.MIN_VALUE;
    byte[] from = new IndexKey(RecordType.CHUNK, new ChunkId(first, 0, 0, 0)).encode();
    byte[] to = new IndexKey(RecordType.CHUNK, new ChunkId(last, -1, -1, -1)).encode();
    scan(from, Arrays.copyOf(to, to.length + 1), visitor);
  }

  private void scan(byte[] from, byte[] end, Visitor visitor) throws StoreException {
    PagedScan.forEach(
        database,
        Family.INDEX,
        from,
        end,
        "reading the index",
        (key, value) -> visit(key, value, visitor));
  }

  private static void visit(byte[] keyBytes, byte[] value, Visitor visitor) throws StoreException {
    IndexKey key;
    IndexRow row;
    try {
      key = IndexKey.decode(keyBytes);
      row = IndexRow.decode(value);
    } catch (MalformedRecordException e) {
      throw new DamagedException(
          "index row " + HexFormat.of().formatHex(keyBytes),
          OptionalLong.empty(),
          "" + e.getMessage(),
          e);
    }
    visitor.visit(key, row);
  }
}
