package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import io.nbdvault.chunkstore.key.KeyFile;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SealedContentTest {
  private static final String REPOSITORY = "00112233445566778899aabbccddeeff";
  private static final UnlockedKeys KEYS = keys(REPOSITORY);
  private static final SealedContent CIPHER = new SealedContent(KEYS);
  private static final int ORDINAL = 7;

  @Test
  void opensWhatItSealed() throws MalformedRecordException {
    Random random = Seeds.random("seal and open");
    for (int length : new int[] {1, 15, 16, 17, 4096, 65536, 4 << 20}) {
      byte[] plain = new byte[length];
      random.nextBytes(plain);
      byte[] record = seal(CIPHER, RecordType.CHUNK, plain);
      assertThat(record).hasSize(ContentRecord.HEADER_BYTES + length + ContentRecord.SEAL_BYTES);
      assertThat(open(CIPHER, record)).isEqualTo(plain);
    }
  }

  @Test
  void sealsTheSameContentDifferentlyEachTime() {
    byte[] plain = new byte[64];
    byte[] once = seal(CIPHER, RecordType.CHUNK, plain);
    byte[] again = seal(CIPHER, RecordType.CHUNK, plain);
    assertThat(payload(once)).isNotEqualTo(payload(again));
    assertThat(Arrays.copyOf(once, 48)).isEqualTo(Arrays.copyOf(again, 48));
  }

  /** With a checksum that fits, as who changes a record on purpose makes it. */
  @Test
  void noticesEveryFlippedBit() {
    byte[] plain = new byte[40];
    Seeds.random("flipped bits").nextBytes(plain);
    byte[] record = seal(CIPHER, RecordType.CHUNK, plain);
    for (int bit = 0; bit < 8 * record.length; bit++) {
      byte[] flipped = record.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      boolean inChecksum = bit / 8 >= 48 && bit / 8 < ContentRecord.HEADER_BYTES;
      if (!inChecksum) {
        ContentRecord.seal(flipped, ORDINAL);
      }
      assertThatThrownBy(() -> open(CIPHER, flipped))
          .as("bit " + bit)
          .isInstanceOf(MalformedRecordException.class);
    }
  }

  @Test
  void noticesAnotherRecordsPayload() {
    byte[] one = seal(CIPHER, RecordType.CHUNK, new byte[] {1, 2, 3});
    byte[] other = seal(CIPHER, RecordType.CHUNK, new byte[] {4, 5, 6});
    System.arraycopy(
        other,
        ContentRecord.HEADER_BYTES,
        one,
        ContentRecord.HEADER_BYTES,
        one.length - ContentRecord.HEADER_BYTES);
    ContentRecord.seal(one, ORDINAL);
    assertThatThrownBy(() -> open(CIPHER, one)).isInstanceOf(MalformedRecordException.class);
  }

  @Test
  void noticesARecordOfAnotherRepository() {
    byte[] record = seal(CIPHER, RecordType.CHUNK, new byte[] {1, 2, 3});
    SealedContent other = new SealedContent(keys(REPOSITORY));
    assertThatThrownBy(() -> open(other, record)).isInstanceOf(MalformedRecordException.class);
  }

  @Test
  void opensRecordsOfEarlierEpochsAndRefusesUnknownOnes() throws MalformedRecordException {
    byte[] plain = {1, 2, 3};
    SealedContent rotated = new SealedContent(KEYS.withNewEpoch());
    byte[] early = seal(CIPHER, RecordType.CHUNK, plain);
    byte[] late = seal(rotated, RecordType.CHUNK, plain);
    assertThat(open(rotated, early)).isEqualTo(plain);
    assertThat(open(rotated, late)).isEqualTo(plain);
    assertThatThrownBy(() -> open(CIPHER, late))
        .isInstanceOf(MalformedRecordException.class)
        .hasMessageContaining("key epoch: 2 (expected: 1 to 1)");
    byte[] renumbered = early.clone();
    renumbered[7] = 2;
    ContentRecord.seal(renumbered, ORDINAL);
    assertThatThrownBy(() -> open(rotated, renumbered))
        .isInstanceOf(MalformedRecordException.class);
  }

  @Test
  void refusesContentInTheClear() {
    byte[] plain = {1, 2, 3};
    PlainContent none = new PlainContent();
    byte[] record = seal(none, RecordType.CHUNK, plain);
    assertThatThrownBy(() -> open(CIPHER, record)).isInstanceOf(MalformedRecordException.class);
    byte[] sealed = seal(CIPHER, RecordType.CHUNK, plain);
    assertThatThrownBy(() -> open(none, sealed)).isInstanceOf(MalformedRecordException.class);
  }

  @Test
  void givesIdsThatOnlyWhoHasTheKeysCanCompute() {
    byte[] plain = {1, 2, 3};
    ChunkId chunk = CIPHER.id(RecordType.CHUNK, plain, 0, 3);
    assertThat(new SealedContent(KEYS.withNewEpoch()).id(RecordType.CHUNK, plain, 0, 3))
        .as("deduplicates in the next epoch")
        .isEqualTo(chunk);
    assertThat(CIPHER.id(RecordType.NODE, plain, 0, 3)).isNotEqualTo(chunk);
    assertThat(ContentId.of(plain, 0, 3)).isNotEqualTo(chunk);
    assertThat(new SealedContent(keys(REPOSITORY)).id(RecordType.CHUNK, plain, 0, 3))
        .isNotEqualTo(chunk);
  }

  @Test
  void sealsSnapshotRecordsAndNoticesEveryFlippedBit() throws MalformedRecordException {
    SnapshotRecord snapshot = TestRecords.snapshot(SnapshotId.random(), TestRecords.TIME);
    byte[] key = SnapshotFrame.key(snapshot.id());
    byte[] row = SnapshotFrame.encode(snapshot, CIPHER.snapshots());
    assertThat(SnapshotFrame.decode(key, row, CIPHER.snapshots())).isEqualTo(snapshot);
    SnapshotFrame.check(key, row);
    for (int bit = 0; bit < 8 * row.length; bit++) {
      byte[] flipped = row.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> SnapshotFrame.check(key, flipped))
          .as("bit " + bit)
          .isInstanceOf(MalformedRecordException.class);
      if (bit / 8 < 8 || bit / 8 >= 12) {
        SnapshotFrames.checksum(key, flipped);
        assertThatThrownBy(() -> SnapshotFrame.decode(key, flipped, CIPHER.snapshots()))
            .as("bit %s, and a checksum that fits", bit)
            .isInstanceOf(MalformedRecordException.class);
      }
    }
  }

  @Test
  void takesNoSnapshotRecordFromAnotherKeyOrRepositoryOrInTheClear() {
    SnapshotRecord snapshot = TestRecords.snapshot(SnapshotId.random(), TestRecords.TIME);
    byte[] key = SnapshotFrame.key(snapshot.id());
    byte[] row = SnapshotFrame.encode(snapshot, CIPHER.snapshots());
    byte[] otherKey = SnapshotFrame.key(SnapshotId.random());
    byte[] moved = row.clone();
    SnapshotFrames.checksum(otherKey, moved);
    assertRefused(otherKey, moved, CIPHER.snapshots());
    assertRefused(key, row, new SealedContent(keys(REPOSITORY)).snapshots());
    assertRefused(key, row, SnapshotSeal.NONE);
    assertRefused(key, SnapshotFrame.encode(snapshot), CIPHER.snapshots());
  }

  private static void assertRefused(byte[] key, byte[] row, SnapshotSeal seal) {
    assertThatThrownBy(() -> SnapshotFrame.decode(key, row, seal))
        .isInstanceOf(MalformedRecordException.class);
  }

  private static byte[] seal(ContentCipher cipher, RecordType type, byte[] plain) {
    ContentRecord header =
        new ContentRecord(
            type,
            Codec.NONE,
            cipher.keyEpoch(),
            cipher.id(type, plain, 0, plain.length),
            plain.length,
            cipher.prefixBytes() + plain.length + cipher.suffixBytes());
    byte[] record = new byte[header.recordLength()];
    int offset = ContentRecord.HEADER_BYTES + cipher.prefixBytes();
    System.arraycopy(plain, 0, record, offset, plain.length);
    header.writeTo(record);
    cipher.seal(header, record);
    ContentRecord.seal(record, ORDINAL);
    return record;
  }

  private static byte[] open(ContentCipher cipher, byte[] record) throws MalformedRecordException {
    byte[] copy = record.clone();
    ContentRecord header = ContentRecord.decode(copy, copy.length, ORDINAL);
    int offset = cipher.open(header, copy);
    return Arrays.copyOfRange(copy, offset, offset + header.compressedLength());
  }

  private static byte[] payload(byte[] record) {
    return Arrays.copyOfRange(record, ContentRecord.HEADER_BYTES, record.length);
  }

  private static UnlockedKeys keys(String repository) {
    return UnlockedKeys.create(repository, KeyFile.of(new byte[32]), "", Instant.EPOCH);
  }
}
