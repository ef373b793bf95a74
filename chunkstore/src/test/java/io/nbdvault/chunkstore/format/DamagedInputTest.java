package io.nbdvault.chunkstore.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.Seeds;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DamagedInputTest {
  /** A decoder, the input that it takes, and whether a checksum covers all of it. */
  record Format(String name, boolean checksummed, Decoder decoder, String goldenHex) {
    byte[] golden() {
      return HexFormat.of().parseHex(goldenHex);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  @FunctionalInterface
  interface Decoder {
    Object decode(byte[] input) throws MalformedRecordException;
  }

  static Stream<Format> formats() {
    byte[] snapshotKey = SnapshotFrame.key(Golden.SNAPSHOT_ID);
    byte[] stateKey = SnapshotStateRow.key(Golden.SNAPSHOT_ID);
    return Stream.of(
        format("v1/content-record-none", true, in -> ContentRecord.decode(in, in.length, 1)),
        format("v1/content-record-node", true, in -> ContentRecord.decode(in, in.length, 7)),
        format("v1/counter", true, in -> CounterRow.decode(Golden.COUNTER_NAME, in)),
        format("v1/snapshot", true, in -> SnapshotFrame.decode(snapshotKey, in)),
        format("v1/index-key", false, IndexKey::decode),
        format("v1/index-row", false, IndexRow::decode),
        format("v2/index-row", true, IndexRow::decode),
        format("v2/index-row-damaged", true, IndexRow::decode),
        format("v2/snapshot-state-condemned", true, in -> SnapshotStateRow.decode(stateKey, in)),
        format("v2/collection", true, CollectionRow::decode),
        format("v2/head-slot", true, HeadSlot::decode),
        format("v2/snapshot", true, in -> SnapshotFrame.decode(snapshotKey, in)),
        format("v1/node-leaf", false, in -> HexFormat.of().formatHex(node(in).encode())));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void rejectsInputCutAnywhere(Format format) {
    byte[] golden = format.golden();
    for (int length = 0; length < golden.length; length++) {
      byte[] cut = Arrays.copyOf(golden, length);
      assertThatThrownBy(() -> format.decoder().decode(cut))
          .as("length %d", length)
          .isInstanceOf(MalformedRecordException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void rejectsInputThatGoesOn(Format format) {
    byte[] golden = format.golden();
    byte[] longer = Arrays.copyOf(golden, golden.length + 1);
    assertThatThrownBy(() -> format.decoder().decode(longer))
        .isInstanceOf(MalformedRecordException.class);
  }

  @ParameterizedTest
  @MethodSource("formats")
  void noticesEveryFlippedBit(Format format) throws MalformedRecordException {
    Object whole = format.decoder().decode(format.golden());
    for (int bit = 0; bit < format.golden().length * 8; bit++) {
      byte[] flipped = format.golden();
      flipped[bit / 8] ^= (byte) (1 << (bit % 8));
      Object decoded;
      try {
        decoded = format.decoder().decode(flipped);
      } catch (MalformedRecordException e) {
        continue;
      }
      assertThat(format.checksummed()).as("bit %d passes a checksum", bit).isFalse();
      assertThat(decoded).as("bit %d", bit).isNotEqualTo(whole);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void neverThrowsAnythingElseForGarbage(Format format) {
    Random random = Seeds.random("garbage " + format);
    for (int round = 0; round < 20_000; round++) {
      byte[] garbage = Arrays.copyOf(format.golden(), random.nextInt(200));
      for (int change = random.nextInt(8); change > 0 && garbage.length > 0; change--) {
        garbage[random.nextInt(garbage.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(format.decoder().decode(garbage)).isNotNull();
      } catch (MalformedRecordException e) {
        assertThat(e.offsetBytes()).isBetween(0, 200);
      }
    }
  }

  @Test
  void rejectsRecordUnderAnotherOrdinal() {
    byte[] record = Golden.hex("v1/content-record-none.hex");
    assertThatThrownBy(() -> ContentRecord.decode(record, record.length, 2))
        .isInstanceOf(MalformedRecordException.class)
        .hasMessageContaining("checksum");
  }

  @Test
  void rejectsLengthsThatLieThoughTheChecksumIsRight() {
    byte[] record = Golden.hex("v1/content-record-none.hex");
    for (int plainLength : new int[] {0, -1, 99, 101, ContentRecord.PLAIN_LENGTH_MAX + 1}) {
      ByteBuffer.wrap(record).putInt(40, plainLength);
      ContentRecord.seal(record, 1);
      assertThatThrownBy(() -> ContentRecord.decode(record, record.length, 1))
          .as("plain length %d", plainLength)
          .isInstanceOf(MalformedRecordException.class)
          .hasMessageContaining("length");
    }
  }

  @Test
  void rejectsSnapshotUnderAnotherKey() {
    byte[] other = SnapshotFrame.key(io.nbdvault.chunkstore.SnapshotId.random());
    assertThatThrownBy(() -> SnapshotFrame.decode(other, Golden.hex("v1/snapshot.hex")))
        .isInstanceOf(MalformedRecordException.class);
  }

  @Test
  void namesTheFieldThatIsWrongInAJsonOfRightChecksum() {
    String json = jsonOf(Golden.hex("v1/snapshot.hex"));
    assertJsonRejected(
        json.replace("\"sizeBytes\":8589934592", "\"sizeBytes\":\"8\""), "sizeBytes");
    assertJsonRejected(json.replace("\"vm\":\"web\",", ""), "vm");
    assertJsonRejected(json.replace("\"vm\":\"web\",", "\"vm\":\"a@b\","), "a@b");
    assertJsonRejected(json.replace("PT1M2.5S", "long"), "snapshot");
    assertJsonRejected(json.replace("\"disks\":[", "\"disks\":[7,"), "disks[0]");
    assertJsonRejected(json.replace("\"imageChain\":[", "\"imageChain\":[7,"), "imageChain");
    assertJsonRejected(json.replace("\"vm\":", "\"commit\":0,\"vm\":"), "commit");
    assertJsonRejected(json.replace("\"vm\":", "\"commit\":\"1\",\"vm\":"), "commit");
    assertJsonRejected(json + "x", "JSON");
    assertJsonRejected("[]", "not an object");
  }

  @Test
  void passesOverSnapshotFieldsThatALaterVersionAdded() throws MalformedRecordException {
    String json = jsonOf(Golden.hex("v1/snapshot.hex")).replace("\"vm\":", "\"later\":[1],\"vm\":");
    assertThat(SnapshotFrame.decode(SnapshotFrame.key(Golden.SNAPSHOT_ID), frame(json)))
        .isEqualTo(Golden.snapshot());
  }

  @Test
  void refusesConfigFieldsThatItDoesNotKnow() {
    String config = new String(Golden.file("v1/config.json"), StandardCharsets.UTF_8);
    byte[] later = config.replace("{", "{\"encryption\":1,").getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> ConfigFile.decode(later))
        .isInstanceOf(MalformedRecordException.class)
        .hasMessageContaining("encryption");
  }

  private static void assertJsonRejected(String json, String expected) {
    byte[] key = SnapshotFrame.key(Golden.SNAPSHOT_ID);
    assertThatThrownBy(() -> SnapshotFrame.decode(key, frame(json)))
        .isInstanceOf(MalformedRecordException.class)
        .hasMessageContaining(expected);
  }

  private static String jsonOf(byte[] row) {
    return new String(row, 12, row.length - 12, StandardCharsets.UTF_8);
  }

  private static byte[] frame(String text) {
    byte[] json = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(12 + json.length);
    out.putInt(0x01030000).putInt(json.length).putInt(0).put(json);
    CRC32C crc = new CRC32C();
    crc.update(SnapshotFrame.key(Golden.SNAPSHOT_ID));
    crc.update(out.array(), 0, 8);
    crc.update(json);
    return out.putInt(8, (int) crc.getValue()).array();
  }

  private static TreeNode node(byte[] input) throws MalformedRecordException {
    return TreeNode.decode(input, input.length);
  }

  private static Format format(String name, boolean checksummed, Decoder decoder) {
    String hex = HexFormat.of().formatHex(Golden.hex(name + ".hex"));
    return new Format(name, checksummed, decoder, hex);
  }
}
