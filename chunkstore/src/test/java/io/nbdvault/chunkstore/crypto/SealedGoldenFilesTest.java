package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * Reads an encrypted repository's files in {@code golden/v2}, which a program of its own wrote
 * after {@code docs/FORMATS.md}, with other libraries. They are never changed.
 */
class SealedGoldenFilesTest {
  private static final KeyFile KEY_FILE = KeyFile.of(ascending(40));

  @Test
  void unlocksByEachKindOfSlot() throws Exception {
    KeysFile keys = KeysFile.decode(file("keys.json"));
    String pem = new String(file("recipient.pem"), StandardCharsets.US_ASCII);
    List<UnlockingKey> all =
        List.of(Passphrase.of("pässword".toCharArray()), KEY_FILE, PrivateKey.parsePem(pem));
    byte[] keyring = UnlockedKeys.unlock("golden", keys, KEY_FILE).keyring().encode();
    for (UnlockingKey key : all) {
      UnlockedKeys unlocked = UnlockedKeys.unlock("golden", keys, key);
      assertThat(unlocked.keyring().encode()).as("" + key).isEqualTo(keyring);
      assertThat(unlocked.newestEpoch()).isEqualTo(2);
    }
    assertThat(keys.slots()).extracting(slot -> slot.slot().number()).containsExactly(1, 2, 5);
    assertThat(keys.slots().get(0).slot().label()).isEqualTo("Größe \"A\"");
  }

  @Test
  void opensChunksAndNodes() throws Exception {
    byte[] plain = new byte[100];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = (byte) (i * 7);
    }
    byte[] letters = new byte[300];
    Arrays.fill(letters, (byte) 'A');
    assertThat(open("sealed-chunk.hex", 1, RecordType.CHUNK)).isEqualTo(plain);
    assertThat(open("sealed-chunk-lz4.hex", 0x0102030405060708L, RecordType.CHUNK))
        .isEqualTo(letters);
    byte[] node = open("sealed-node.hex", 7, RecordType.NODE);
    assertThat(TreeNode.decode(node, node.length).child(0))
        .isEqualTo(cipher().id(RecordType.CHUNK, plain, 0, plain.length));
  }

  @Test
  void opensSnapshotRecords() throws Exception {
    SnapshotId id = new SnapshotId("00112233445566778899aabbccddeeff");
    SnapshotRecord snapshot =
        SnapshotFrame.decode(
            SnapshotFrame.key(id), hex("sealed-snapshot.hex"), cipher().snapshots());
    assertThat(snapshot.id()).isEqualTo(id);
    assertThat(snapshot.vm()).isEqualTo("web");
  }

  @Test
  void readsAndWritesTheConfiguration() throws Exception {
    byte[] file = file("config-encrypted.json");
    RepositoryConfig config = ConfigFile.decode(file);
    assertThat(config.encryption()).isEqualTo(Encryption.AES_256_GCM);
    assertThat(ConfigFile.encode(config))
        .asString()
        .isEqualToIgnoringNewLines(new String(file, StandardCharsets.UTF_8));
  }

  private static byte[] open(String name, long ordinal, RecordType type) throws Exception {
    byte[] record = hex(name);
    ContentRecord header = ContentRecord.decode(record, record.length, ordinal);
    SealedContent cipher = cipher();
    int offset = cipher.open(header, record);
    byte[] plain = new byte[header.plainLength()];
    ChunkCodec.of(header.codec())
        .decompress(record, offset, header.compressedLength(), plain, 0, plain.length);
    assertThat(header.type()).isEqualTo(type);
    assertThat(cipher.id(type, plain, 0, plain.length)).isEqualTo(header.id());
    return plain;
  }

  private static SealedContent cipher() throws Exception {
    KeysFile keys = KeysFile.decode(file("keys.json"));
    return new SealedContent(UnlockedKeys.unlock("golden", keys, KEY_FILE));
  }

  private static byte[] hex(String name) throws IOException {
    String text = new String(file(name), StandardCharsets.US_ASCII);
    return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
  }

  private static byte[] file(String name) throws IOException {
    String path = "/golden/v2/" + name;
    try (InputStream in =
        Objects.requireNonNull(SealedGoldenFilesTest.class.getResourceAsStream(path))) {
      return in.readAllBytes();
    }
  }

  private static byte[] ascending(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) i;
    }
    return bytes;
  }
}
