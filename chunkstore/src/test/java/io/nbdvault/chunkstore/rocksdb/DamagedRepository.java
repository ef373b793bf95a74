package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A small repository that a test damages, row by row or file by file. */
final class DamagedRepository {
  static final int CHUNK = 16 << 10;

  private final Path dir;
  private int backups;

  private DamagedRepository(Path dir) {
    this.dir = dir;
  }

  static DamagedRepository create(Path dir) throws StoreException {
    Repositories.create(dir, new RepositoryOptions(CHUNK, Compression.LZ4));
    return new DamagedRepository(dir);
  }

  /** One that is there, or is to be. */
  static DamagedRepository at(Path dir) {
    return new DamagedRepository(dir);
  }

  Path dir() {
    return dir;
  }

  Path databaseDir() {
    return dir.resolve("db");
  }

  ChunkStore open() throws StoreException {
    return Repositories.open(dir);
  }

  /** Backs up a disk called {@code vda}, later than the backups before. */
  SnapshotRecord backUp(DiskImage disk) throws StoreException {
    try (ChunkStore store = open()) {
      return backUp(store, disk);
    }
  }

  SnapshotRecord backUp(ChunkStore store, DiskImage disk) throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      var vda = disk.backUp(session, "vda", Optional.empty());
      return session.commit(
          TestRecords.snapshot(session.snapshotId(), TestRecords.TIME.plusSeconds(backups++), vda));
    }
  }

  byte[] read(SnapshotId id) throws IOException {
    try (ChunkStore store = Repositories.openReadOnly(dir);
        SnapshotReader reader = store.open(id)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }

  /** The key of a chunk of a disk. */
  static IndexKey chunkKey(DiskImage disk, int chunk) {
    byte[] plain = disk.bytes();
    int from = chunk * CHUNK;
    int length = Math.min(CHUNK, plain.length - from);
    return new IndexKey(RecordType.CHUNK, ContentId.of(plain, from, length));
  }

  IndexRow row(IndexKey key) throws StoreException, MalformedRecordException {
    return IndexRow.decode(get(Family.INDEX, key.encode()));
  }

  byte[] record(long ordinal) throws StoreException {
    return get(Family.CHUNK, OrdinalKey.of(ordinal));
  }

  /** Flips a bit of some content's record, behind the back of everything that checks. */
  void flipBit(IndexKey key) throws StoreException, MalformedRecordException {
    long ordinal = row(key).ordinal();
    byte[] record = record(ordinal);
    record[record.length / 2] ^= 1;
    put(Family.CHUNK, OrdinalKey.of(ordinal), record);
  }

  /** Changes a byte of some content's record, and its checksum with it: only the id tells. */
  void changeUnderItsChecksum(IndexKey key) throws StoreException, MalformedRecordException {
    long ordinal = row(key).ordinal();
    byte[] record = record(ordinal);
    // Not where a bit is flipped, and never back to what it was.
    record[record.length / 2 + 1]++;
    ContentRecord.seal(record, ordinal);
    put(Family.CHUNK, OrdinalKey.of(ordinal), record);
  }

  /** Whether RocksDB could rewrite the files of some content's record: all of them are whole. */
  boolean canBeRewritten(IndexKey key) throws StoreException, MalformedRecordException {
    long ordinal = row(key).ordinal();
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_ONLY)) {
      ChunkTables tables = new ChunkTables(db, databaseDir());
      return tables.areWhole(tables.list().reaching(ordinal, ordinal));
    }
  }

  /** Has the files of some content's record rewritten, so that no older version of it is left. */
  void rewrite(IndexKey key) throws StoreException, MalformedRecordException {
    byte[] ordinal = OrdinalKey.of(row(key).ordinal());
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_WRITE)) {
      db.compact(Family.CHUNK, ordinal, ordinal);
    }
  }

  /** The key of a child of a node. */
  IndexKey childKey(ChunkId node, int slot) throws StoreException {
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_ONLY)) {
      ContentReader reader = new ContentReader(db, new PlainContent(), CHUNK);
      return new IndexKey(RecordType.NODE, reader.read(node).child(slot));
    }
  }

  /** Flips a bit of some content's record where it lies: the block around it cannot be read. */
  void spoil(IndexKey key) throws IOException, MalformedRecordException {
    byte[] record = record(row(key).ordinal());
    for (Path table : tables(Family.CHUNK)) {
      int at = indexOf(Files.readAllBytes(table), record);
      if (at >= 0) {
        flipByte(table, at + record.length / 2);
        return;
      }
    }
    throw new AssertionError("no file has it as it is");
  }

  /** The keys of all rows of the index. */
  List<byte[]> indexKeys() throws StoreException {
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_ONLY)) {
      List<byte[]> keys = new ArrayList<>();
      db.forEachReadable(Family.INDEX, (key, row) -> keys.add(key));
      return keys;
    }
  }

  /** Flips a bit of a file, for good. */
  static void flipByte(Path file, int at) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 1)).flip();
      channel.write(one, at);
      channel.force(true);
    }
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int at = 0; at <= bytes.length - part.length; at++) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    return -1;
  }

  byte[] get(Family family, byte[] key) throws StoreException {
    return find(family, key).orElseThrow();
  }

  Optional<byte[]> find(Family family, byte[] key) throws StoreException {
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_ONLY)) {
      return Optional.ofNullable(db.get(family, key));
    }
  }

  void put(Family family, byte[] key, byte[] value) throws StoreException {
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      batch.put(family, key, value);
      db.write(batch);
      db.flush();
    }
  }

  void delete(Family family, byte[] key) throws StoreException {
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      batch.delete(family, key);
      db.write(batch);
      db.flush();
    }
  }

  /** The tables of a family that have rows, the oldest first. */
  List<Path> tables(Family family) throws StoreException {
    try (Database db = Database.open("test", databaseDir(), DatabaseAccess.READ_ONLY)) {
      return db.liveFiles().stream()
          .filter(table -> Arrays.equals(table.columnFamilyName(), family.nameBytes()))
          .map(table -> DamagedTables.fileOf(databaseDir(), table))
          .sorted()
          .toList();
    }
  }

  /** Every file of the database. */
  List<Path> files() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(databaseDir())) {
      List<Path> files = new ArrayList<>();
      entries.forEach(files::add);
      files.sort(null);
      return files;
    }
  }
}
