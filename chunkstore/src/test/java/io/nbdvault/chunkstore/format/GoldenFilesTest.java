package io.nbdvault.chunkstore.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GoldenFilesTest {
  private static final long LZ4_ORDINAL = 0x0102030405060708L;

  @Test
  void readsAndWritesUncompressedContentRecord() throws MalformedRecordException {
    byte[] file = Golden.hex("v1/content-record-none.hex");
    ContentRecord header =
        new ContentRecord(RecordType.CHUNK, Codec.NONE, 0, Golden.plainId(), 100, 100);
    assertThat(ContentRecord.decode(file, file.length, 1)).isEqualTo(header);
    byte[] record = new byte[header.recordLength()];
    System.arraycopy(Golden.PLAIN, 0, record, ContentRecord.HEADER_BYTES, 100);
    header.writeTo(record);
    ContentRecord.seal(record, 1);
    assertThat(record).isEqualTo(file);
  }

  @Test
  void readsLz4ContentRecord() throws MalformedRecordException {
    assertContentOfLetters(Golden.hex("v1/content-record-lz4.hex"));
  }

  @Test
  void readsNodeRecord() throws MalformedRecordException {
    byte[] file = Golden.hex("v1/content-record-node.hex");
    ContentRecord header = ContentRecord.decode(file, file.length, 7);
    assertThat(header.type()).isEqualTo(RecordType.NODE);
    byte[] leaf = Golden.leaf().encode();
    assertThat(header.id()).isEqualTo(ContentId.of(leaf, 0, leaf.length));
  }

  @Test
  void readsIndexKeyAndRow() throws MalformedRecordException {
    IndexKey key = new IndexKey(RecordType.CHUNK, Golden.plainId());
    assertThat(IndexKey.decode(Golden.hex("v1/index-key.hex"))).isEqualTo(key);
    assertThat(key.encode()).isEqualTo(Golden.hex("v1/index-key.hex"));
    IndexRow row = new IndexRow(LZ4_ORDINAL, 65536, 42, 0, false);
    assertThat(IndexRow.decode(Golden.hex("v1/index-row.hex"))).isEqualTo(row);
  }

  @Test
  void readsAndWritesCounter() throws MalformedRecordException {
    byte[] file = Golden.hex("v1/counter.hex");
    assertThat(CounterRow.decode(Golden.COUNTER_NAME, file)).isEqualTo(65537);
    assertThat(CounterRow.encode(Golden.COUNTER_NAME, 65537)).isEqualTo(file);
  }

  @Test
  void readsAndWritesLeaf() throws MalformedRecordException {
    byte[] file = Golden.hex("v1/node-leaf.hex");
    TreeNode leaf = TreeNode.decode(file, file.length);
    assertThat(leaf.level()).isZero();
    assertThat(leaf.children()).isEqualTo(Golden.leaf().children());
    assertThat(leaf.encode()).isEqualTo(file);
  }

  @Test
  void readsAndWritesInnerNode() throws MalformedRecordException {
    byte[] file = Golden.hex("v1/node-inner.hex");
    TreeNode inner = TreeNode.decode(file, file.length);
    byte[] leaf = Golden.leaf().encode();
    assertThat(inner.level()).isEqualTo(1);
    assertThat(inner.count()).isEqualTo(128);
    assertThat(inner.child(0)).isEqualTo(ContentId.of(leaf, 0, leaf.length));
    assertThat(inner.child(127)).isEqualTo(ChunkId.ZERO);
    assertThat(inner.encode()).isEqualTo(file);
  }

  @Test
  void readsAndWritesSnapshot() throws MalformedRecordException {
    byte[] file = Golden.hex("v1/snapshot.hex");
    byte[] key = SnapshotFrame.key(Golden.SNAPSHOT_ID);
    assertThat(SnapshotFrame.decode(key, file)).isEqualTo(Golden.snapshot());
    assertThat(SnapshotFrame.encode(Golden.snapshot())).isEqualTo(file);
  }

  @Test
  void readsAndWritesConfig() throws MalformedRecordException {
    byte[] file = Golden.file("v1/config.json");
    assertThat(ConfigFile.formatVersion(file)).isEqualTo(1);
    assertThat(ConfigFile.decode(file)).isEqualTo(Golden.config());
    assertThat(ConfigFile.encode(Golden.config()))
        .asString()
        .isEqualToIgnoringNewLines(new String(file, StandardCharsets.UTF_8));
  }

  @Test
  void readsAndWritesIndexRowsOfVersion2() throws MalformedRecordException {
    byte[] file = Golden.hex("v2/index-row.hex");
    IndexRow row = new IndexRow(LZ4_ORDINAL, 65536, 42, 30001, false);
    assertThat(IndexRow.decode(file)).isEqualTo(row);
    assertThat(row.encode()).isEqualTo(file);
    byte[] damagedFile = Golden.hex("v2/index-row-damaged.hex");
    IndexRow damaged = new IndexRow(7, 100, 9, 152, true);
    assertThat(IndexRow.decode(damagedFile)).isEqualTo(damaged);
    assertThat(damaged.encode()).isEqualTo(damagedFile);
  }

  @Test
  void readsAndWritesSnapshotStates() throws MalformedRecordException {
    byte[] key = SnapshotStateRow.key(Golden.SNAPSHOT_ID);
    assertThat(SnapshotStateRow.idOf(key)).isEqualTo(Golden.SNAPSHOT_ID);
    Instant forgotten = Instant.ofEpochSecond(1793534400);
    Map<String, SnapshotState> states =
        Map.of(
            "v2/snapshot-state-protected.hex",
            new SnapshotState(true, Optional.empty(), false),
            "v2/snapshot-state-condemned.hex",
            new SnapshotState(false, Optional.of(forgotten), true));
    for (Map.Entry<String, SnapshotState> state : states.entrySet()) {
      byte[] file = Golden.hex(state.getKey());
      assertThat(SnapshotStateRow.decode(key, file)).isEqualTo(state.getValue());
      assertThat(SnapshotStateRow.encode(Golden.SNAPSHOT_ID, state.getValue())).isEqualTo(file);
    }
  }

  @Test
  void readsAndWritesCollection() throws MalformedRecordException {
    byte[] file = Golden.hex("v2/collection.hex");
    CollectionRow row = new CollectionRow(42, LZ4_ORDINAL, 1234, 0xdeadbeef);
    assertThat(CollectionRow.decode(file)).isEqualTo(row);
    assertThat(row.encode()).isEqualTo(file);
  }

  @Test
  void readsAndWritesHeadSlot() throws MalformedRecordException {
    byte[] file = Golden.hex("v2/head-slot.hex");
    HeadSlot slot = new HeadSlot(Golden.SNAPSHOT_ID.hex(), 42, LZ4_ORDINAL);
    assertThat(HeadSlot.decode(file)).isEqualTo(slot);
    assertThat(slot.encode()).isEqualTo(file);
  }

  @Test
  void readsAndWritesSnapshotWithTheNumberOfItsCommit() throws MalformedRecordException {
    byte[] file = Golden.hex("v2/snapshot.hex");
    byte[] key = SnapshotFrame.key(Golden.SNAPSHOT_ID);
    assertThat(SnapshotFrame.decode(key, file)).isEqualTo(Golden.snapshot().withCommit(42));
    assertThat(SnapshotFrame.encode(Golden.snapshot().withCommit(42))).isEqualTo(file);
  }

  @Test
  void readsZstdContentRecord() throws MalformedRecordException {
    assertContentOfLetters(Golden.hex("v2/content-record-zstd.hex"));
  }

  @Test
  void readsAndWritesConfigOfVersion2() throws MalformedRecordException {
    byte[] file = Golden.file("v2/config.json");
    RepositoryConfig config = Golden.config().upgraded();
    assertThat(ConfigFile.decode(file)).isEqualTo(config);
    assertThat(ConfigFile.encode(config))
        .asString()
        .isEqualToIgnoringNewLines(new String(file, StandardCharsets.UTF_8));
  }

  private static void assertContentOfLetters(byte[] record) throws MalformedRecordException {
    ContentRecord header = ContentRecord.decode(record, record.length, LZ4_ORDINAL);
    byte[] plain = new byte[header.plainLength()];
    ChunkCodec.of(header.codec())
        .decompress(
            record, ContentRecord.HEADER_BYTES, header.payloadLength(), plain, 0, plain.length);
    byte[] expected = new byte[300];
    Arrays.fill(expected, (byte) 'A');
    assertThat(plain).isEqualTo(expected);
    assertThat(header.id()).isEqualTo(ContentId.of(expected, 0, expected.length));
  }
}
