package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One snapshot of one chunk and one node, damaged in every way. */
@Timeout(60)
class DamageTest {
  private static final int CHUNK = 16 << 10;

  @TempDir private Path temporary;
  private Path dir = Path.of("");
  private SnapshotId snapshot = new SnapshotId("0".repeat(32));
  private IndexKey chunkKey = new IndexKey(RecordType.CHUNK, ChunkId.ZERO);
  private IndexKey nodeKey = new IndexKey(RecordType.NODE, ChunkId.ZERO);

  @BeforeEach
  void makeRepository() throws StoreException {
    dir = temporary.resolve("repository");
    Repositories.create(dir, new RepositoryOptions(CHUNK, Compression.LZ4));
    DiskImage disk = new DiskImage(CHUNK, CHUNK);
    disk.fill(0, 'x');
    byte[] plain = disk.bytes();
    chunkKey = new IndexKey(RecordType.CHUNK, ContentId.of(plain, 0, plain.length));
    try (ChunkStore store = Repositories.open(dir);
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      var vda = disk.backUp(session, "vda", Optional.empty());
      nodeKey = new IndexKey(RecordType.NODE, vda.root());
      snapshot = session.snapshotId();
      session.commit(TestRecords.snapshot(snapshot, TestRecords.TIME, vda));
    }
  }

  @Test
  void noticesEveryFlippedBitOfAChunkAndANode() throws Exception {
    for (IndexKey key : new IndexKey[] {chunkKey, nodeKey}) {
      long ordinal = row(key).ordinal();
      byte[] good = record(ordinal);
      // Each byte once, another bit each time: all bits would open the store 2,000 times.
      for (int at = 0; at < good.length; at += 5) {
        byte[] bad = good.clone();
        bad[at] ^= (byte) (1 << (at % 8));
        put(Family.CHUNK, OrdinalKey.of(ordinal), bad);
        assertDamaged(key, OptionalLong.of(ordinal));
      }
      put(Family.CHUNK, OrdinalKey.of(ordinal), good);
    }
    readSnapshot();
  }

  @Test
  void noticesARecordThatIsCutOrMissing() throws Exception {
    for (IndexKey key : new IndexKey[] {chunkKey, nodeKey}) {
      long ordinal = row(key).ordinal();
      byte[] good = record(ordinal);
      for (int length : new int[] {0, 1, 51, 52, good.length - 1, good.length + 1, 1 << 20}) {
        put(Family.CHUNK, OrdinalKey.of(ordinal), Arrays.copyOf(good, length));
        assertDamaged(key, OptionalLong.of(ordinal));
      }
      put(Family.CHUNK, OrdinalKey.of(ordinal), good);
      long nowhere = 12345;
      IndexRow good2 = row(key);
      put(
          Family.INDEX,
          key.encode(),
          new IndexRow(nowhere, good2.plainLength(), 1, 0, false).encode());
      assertDamaged(key, OptionalLong.of(nowhere));
      put(Family.INDEX, key.encode(), good2.encode());
    }
  }

  @Test
  void noticesARecordInAnothersPlaceThoughItIsWholeItself() throws Exception {
    long ofChunk = row(chunkKey).ordinal();
    long ofNode = row(nodeKey).ordinal();
    byte[] node = record(ofNode);
    ContentRecord.seal(node, ofChunk);
    put(Family.CHUNK, OrdinalKey.of(ofChunk), node);
    assertDamaged(chunkKey, OptionalLong.of(ofChunk));
  }

  @Test
  void noticesContentThatIsNotWhatTheIdSaysThoughEveryChecksumIsRight() throws Exception {
    for (IndexKey key : new IndexKey[] {chunkKey, nodeKey}) {
      IndexRow row = row(key);
      int length = row.plainLength();
      byte[] forged = new byte[ContentRecord.HEADER_BYTES + length];
      Arrays.fill(forged, ContentRecord.HEADER_BYTES, forged.length, (byte) 'y');
      new ContentRecord(key.type(), Codec.NONE, 0, key.id(), length, length).writeTo(forged);
      ContentRecord.seal(forged, row.ordinal());
      byte[] good = record(row.ordinal());
      put(Family.CHUNK, OrdinalKey.of(row.ordinal()), forged);
      assertDamaged(key, OptionalLong.of(row.ordinal()));
      put(Family.CHUNK, OrdinalKey.of(row.ordinal()), good);
    }
  }

  @Test
  void noticesAnIndexRowThatIsWrong() throws Exception {
    for (IndexKey key : new IndexKey[] {chunkKey, nodeKey}) {
      byte[] good = row(key).encode();
      IndexRow row = row(key);
      put(Family.INDEX, key.encode(), Arrays.copyOf(good, 15));
      assertDamaged(key, OptionalLong.empty());
      int other = row.plainLength() - 1;
      put(Family.INDEX, key.encode(), new IndexRow(row.ordinal(), other, 1, 0, false).encode());
      assertDamaged(key, OptionalLong.of(row.ordinal()));
      put(Family.INDEX, key.encode(), good);
    }
  }

  @Test
  void noticesASnapshotRecordThatIsWrong() throws Exception {
    byte[] key = SnapshotFrame.key(snapshot);
    byte[] bad = Objects.requireNonNull(get(Family.CATALOG, key));
    bad[bad.length - 1] ^= 1;
    put(Family.CATALOG, key, bad);
    try (ChunkStore store = Repositories.open(dir)) {
      assertThat(store.snapshots()).isEmpty();
      assertThat(store.damagedSnapshots())
          .singleElement()
          .satisfies(row -> assertThat(row.what()).contains(snapshot.hex()));
      assertThatThrownBy(() -> store.open(snapshot)).isInstanceOf(DamagedException.class);
    }
  }

  @Test
  void neverGivesWrongBytesWhateverBitOfItsFilesIsFlipped() throws IOException {
    Random random = Seeds.random("flipped files");
    byte[] expected = readSnapshot();
    for (Path file : tables()) {
      byte[] good = Files.readAllBytes(file);
      for (int round = 0; round < 20; round++) {
        byte[] bad = good.clone();
        bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, bad);
        try {
          assertThat(readSnapshot()).isEqualTo(expected);
        } catch (StoreException e) {
          assertThat(e).isInstanceOf(DamagedException.class);
        }
      }
      Files.write(file, good);
    }
  }

  private void assertDamaged(IndexKey key, OptionalLong ordinal) {
    assertThatThrownBy(this::readSnapshot)
        .isInstanceOfSatisfying(
            DamagedException.class,
            e -> {
              assertThat(e.what()).contains(key.toString());
              assertThat(e.ordinal()).isEqualTo(ordinal);
            });
  }

  private byte[] readSnapshot() throws IOException {
    try (ChunkStore store = Repositories.openReadOnly(dir);
        SnapshotReader reader = store.open(snapshot)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }

  private IndexRow row(IndexKey key) throws StoreException, MalformedRecordException {
    return IndexRow.decode(Objects.requireNonNull(get(Family.INDEX, key.encode())));
  }

  private byte[] record(long ordinal) throws StoreException {
    return Objects.requireNonNull(get(Family.CHUNK, OrdinalKey.of(ordinal)));
  }

  private byte[] get(Family family, byte[] key) throws StoreException {
    try (Database db = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_ONLY)) {
      return Objects.requireNonNull(db.get(family, key));
    }
  }

  private void put(Family family, byte[] key, byte[] value) throws StoreException {
    try (Database db = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      batch.put(family, key, value);
      db.write(batch);
      db.flush();
    }
  }

  private Iterable<Path> tables() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(dir.resolve("db"), "*.sst")) {
      List<Path> tables = new ArrayList<>();
      files.forEach(tables::add);
      return tables;
    }
  }
}
