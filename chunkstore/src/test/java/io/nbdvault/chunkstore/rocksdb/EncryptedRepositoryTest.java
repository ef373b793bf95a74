package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EncryptedRepositoryTest {
  private static final int CHUNK = 16 << 10;
  private static final KeyFile KEY = keyFile(1);
  private static final KeyFile OTHER = keyFile(2);
  private static final Unlocking UNLOCKING = Unlocking.with(KEY);
  private static final String MARK = "a text that nobody is to read";

  @TempDir private Path temporary;
  private Path dir;

  @BeforeEach
  void create() throws StoreException {
    dir = temporary.resolve("repository");
    RepositoryOptions options = new RepositoryOptions(CHUNK, Compression.NONE);
    Repositories.createEncrypted(dir, options, KEY, "first");
  }

  @Test
  void saysThatItIsEncrypted() throws IOException {
    try (ChunkStore store = Repositories.openReadOnly(dir, UNLOCKING)) {
      assertThat(store.config().encryption()).isEqualTo(Encryption.AES_256_GCM);
    }
    assertThat(Files.readString(dir.resolve("config.json")))
        .contains("\"encryption\" : \"aes-256-gcm\"");
  }

  @Test
  void opensForNobodyWithoutTheRightKey() {
    assertWrong(Unlocking.with(OTHER), "Wrong password or key");
    assertWrong(Unlocking.with(Passphrase.of("guess".toCharArray())), "Wrong password or key");
    assertWrong(Unlocking.with(PrivateKey.generate().privateKey()), "Wrong password or key");
    assertWrong(Unlocking.none(), "no password or key was given");
  }

  @Test
  void passesOnWhyTheKeyCannotBeHad() {
    Unlocking broken =
        () -> {
          throw new IOException("The disk with the key is not there.");
        };
    assertThatThrownBy(() -> Repositories.open(dir, broken))
        .isInstanceOf(StoreFailedException.class)
        .hasMessage("The disk with the key is not there.");
  }

  @Test
  void isNotReplacedByOneInTheClearUnnoticed() throws StoreException {
    Path plain = temporary.resolve("plain");
    Repositories.create(plain, RepositoryOptions.defaults());
    assertThatThrownBy(() -> Repositories.open(plain, UNLOCKING))
        .isInstanceOf(StoreFailedException.class)
        .hasMessageContaining("is not encrypted");
    assertThatThrownBy(() -> Repositories.openReadOnly(plain, UNLOCKING))
        .isInstanceOf(StoreFailedException.class);
    boolean[] asked = {false};
    Unlocking ifNeeded =
        () -> {
          asked[0] = true;
          return Optional.<UnlockingKey>empty();
        };
    Repositories.open(plain, ifNeeded).close();
    assertThat(asked[0]).isFalse();
  }

  @Test
  void writesNothingOfTheContentOrTheNamesInTheClear() throws IOException {
    putMark();
    Path plain = temporary.resolve("plain");
    Repositories.create(plain, new RepositoryOptions(CHUNK, Compression.NONE));
    putMark(plain, Unlocking.none());
    for (String secret : List.of(MARK, "\"consistency\"")) {
      assertThat(isInSomeFile(plain, secret)).as("a repository in the clear has it").isTrue();
      assertThat(isInSomeFile(dir, secret)).as(secret).isFalse();
    }
  }

  @Test
  void changesKeysWithoutTouchingData() throws IOException {
    putMark();
    Map<String, byte[]> before = tables();
    try (RepositoryKeys keys = Repositories.openKeys(dir, UNLOCKING)) {
      assertThat(keys.unlockedBy().label()).isEqualTo("first");
      KeySlot changed = keys.change(1, OTHER);
      assertThat(changed.label()).isEqualTo("first");
    }
    Map<String, byte[]> after = tables();
    assertThat(before).hasSize(3);
    assertThat(after.keySet()).isEqualTo(before.keySet());
    before.forEach((name, bytes) -> assertThat(Arrays.equals(bytes, after.get(name))).isTrue());
    assertWrong(UNLOCKING, "Wrong password or key");
    assertThat(putMark(dir, Unlocking.with(OTHER))).isEqualTo(StoredChunk.Outcome.DUPLICATE);
  }

  @Test
  void addsAndRemovesSlots() throws StoreException {
    PrivateKey.Pair pair = PrivateKey.generate();
    try (RepositoryKeys keys = Repositories.openKeys(dir, UNLOCKING)) {
      assertThat(keys.add(pair.recipient(), "safe").number()).isEqualTo(2);
      assertThatThrownBy(() -> Repositories.openKeys(dir, UNLOCKING))
          .isInstanceOf(RepositoryInUseException.class);
    }
    assertThat(Repositories.keySlots(dir))
        .extracting(KeySlot::label)
        .containsExactly("first", "safe");
    Unlocking recovery = Unlocking.with(pair.privateKey());
    Repositories.open(dir, recovery).close();
    try (RepositoryKeys keys = Repositories.openKeys(dir, recovery)) {
      keys.remove(1);
      assertThatThrownBy(() -> keys.remove(2)).isInstanceOf(IllegalStateException.class);
    }
    assertWrong(UNLOCKING, "Wrong password or key");
    Repositories.open(dir, recovery).close();
  }

  @Test
  void deduplicatesAcrossEpochsAndReadsBoth() throws IOException {
    assertThat(putMark()).isEqualTo(StoredChunk.Outcome.NEW);
    try (RepositoryKeys keys = Repositories.openKeys(dir, UNLOCKING)) {
      assertThat(keys.keyEpoch()).isEqualTo(1);
      keys.rotate();
      assertThat(keys.keyEpoch()).isEqualTo(2);
    }
    assertThat(putMark()).isEqualTo(StoredChunk.Outcome.DUPLICATE);
    try (ChunkStore store = Repositories.open(dir, UNLOCKING)) {
      assertThat(store.snapshots()).hasSize(2);
    }
  }

  @Test
  void makesALostOrDamagedKeysFileAgain() throws IOException {
    Path file = dir.resolve("keys.json");
    byte[] good = Files.readAllBytes(file);
    byte[] flipped = good.clone();
    flipped[good.length / 2] ^= 1;
    for (byte[] bad : new byte[][] {null, flipped, new byte[0], new byte[100_000]}) {
      Files.delete(file);
      if (bad != null) {
        Files.write(file, bad);
      }
      Repositories.openReadOnly(dir, UNLOCKING).close();
      assertThat(Repositories.keySlots(dir)).hasSize(1);
      assertThat(bad == null ? Files.notExists(file) : Arrays.equals(Files.readAllBytes(file), bad))
          .as("reading changes nothing")
          .isTrue();
      assertWrong(Unlocking.with(OTHER), "Wrong password or key");
      Repositories.open(dir, UNLOCKING).close();
      assertThat(file).hasBinaryContent(good);
    }
  }

  @Test
  void prefersTheHigherGenerationOfTheTwo() throws IOException {
    Path file = dir.resolve("keys.json");
    byte[] first = Files.readAllBytes(file);
    try (RepositoryKeys keys = Repositories.openKeys(dir, UNLOCKING)) {
      keys.change(1, OTHER);
    }
    byte[] second = Files.readAllBytes(file);
    Files.write(file, first);
    assertWrong(UNLOCKING, "Wrong password or key");
    Repositories.open(dir, Unlocking.with(OTHER)).close();
    assertThat(file).hasBinaryContent(second);
  }

  @Test
  void saysThatTheKeysAreLostWhenBothCopiesAre() throws IOException {
    try (Database database =
            Database.open(dir.toString(), dir.resolve("db"), DatabaseAccess.READ_WRITE);
        RowBatch batch = database.newBatch()) {
      batch.put(Family.DEFAULT, StoredKeys.key(), new byte[] {'{', '}'});
      database.write(batch);
      database.flush();
    }
    Files.delete(dir.resolve("keys.json"));
    assertThatThrownBy(() -> Repositories.open(dir, UNLOCKING))
        .isInstanceOf(DamagedException.class)
        .hasMessageContaining("keys.json");
  }

  @Test
  void refusesKeysOfAnotherRepository() throws IOException {
    Path other = temporary.resolve("other");
    Repositories.createEncrypted(other, RepositoryOptions.defaults(), OTHER, "");
    Files.copy(
        other.resolve("keys.json"), dir.resolve("keys.json"), StandardCopyOption.REPLACE_EXISTING);
    assertWrong(Unlocking.with(OTHER), "Wrong password or key");
    Repositories.open(dir, UNLOCKING).close();
  }

  @Test
  void isNotHarmedByCreatingAnotherInItsPlace() throws IOException {
    byte[] keys = Files.readAllBytes(dir.resolve("keys.json"));
    assertThatThrownBy(
            () -> Repositories.createEncrypted(dir, RepositoryOptions.defaults(), OTHER, ""))
        .isInstanceOf(StoreFailedException.class);
    assertThat(dir.resolve("keys.json")).hasBinaryContent(keys);
    assertThat(dir.resolve("config.json")).exists();
  }

  @Test
  void opensWithoutItsKeyForChecksumsOnly() throws StoreException {
    putMark();
    try (ChunkStore store = Repositories.openLocked(dir)) {
      assertThat(store.config().encryption()).isEqualTo(Encryption.AES_256_GCM);
      assertThatThrownBy(store::snapshots).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void findsDecayWithoutItsKeyAndForgeryWithIt() throws StoreException {
    putMark();
    VerifyOptions checksums = new VerifyOptions(Set.of(), 100, 0, true, 1);
    assertThat(verifyLocked(checksums).isClean()).isTrue();
    assertThat(verifyLocked(checksums).records()).isEqualTo(1);

    changeRecord(false);
    assertThat(verifyLocked(checksums).contentsFound()).isEqualTo(1);

    changeRecord(true);
    assertThat(verifyLocked(checksums).isClean())
        .as("whoever forges a record makes its checksum too")
        .isTrue();
    try (ChunkStore store = Repositories.openReadOnly(dir, UNLOCKING)) {
      VerifyReport report = store.verify(VerifyOptions.everything(1), progress -> true);
      assertThat(report.contentsFound()).isEqualTo(1);
      assertThat(report.contents().get(0).reason()).contains("not sealed with this repository");
    }
  }

  @Test
  void saysWhichOfItsKeysAreDamaged() throws IOException {
    Files.delete(dir.resolve("keys.json"));
    VerifyOptions checksums = new VerifyOptions(Set.of(), 100, 0, true, 1);
    assertThat(verifyLocked(checksums).items())
        .containsExactly(new DamagedItem("keys.json", "is missing"));
  }

  private VerifyReport verifyLocked(VerifyOptions options) throws StoreException {
    try (ChunkStore store = Repositories.openLocked(dir)) {
      return store.verify(options, progress -> true);
    }
  }

  /** Flips a bit in the payload of the only record. */
  private void changeRecord(boolean fitChecksum) throws StoreException {
    try (Database database =
            Database.open(dir.toString(), dir.resolve("db"), DatabaseAccess.READ_WRITE);
        RowBatch batch = database.newBatch()) {
      byte[] key = OrdinalKey.of(1);
      byte[] record = Objects.requireNonNull(database.get(Family.CHUNK, key));
      record[ContentRecord.HEADER_BYTES + 200] ^= 1;
      if (fitChecksum) {
        record[ContentRecord.HEADER_BYTES + 201] ^= 1;
        ContentRecord.seal(record, 1);
      }
      batch.put(Family.CHUNK, key, record);
      database.write(batch);
      database.flush();
    }
  }

  private StoredChunk.Outcome putMark() throws StoreException {
    return putMark(dir, UNLOCKING);
  }

  /** Commits a snapshot, and stores a chunk that is always the same. */
  private static StoredChunk.Outcome putMark(Path repository, Unlocking unlocking)
      throws StoreException {
    byte[] chunk = new byte[CHUNK];
    byte[] mark = MARK.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(mark, 0, chunk, 100, mark.length);
    try (ChunkStore store = Repositories.open(repository, unlocking);
        BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
      StoredChunk stored = session.put(chunk, 0, CHUNK).join();
      session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME));
      return stored.outcome();
    }
  }

  private static boolean isInSomeFile(Path repository, String text) throws IOException {
    try (Stream<Path> files = Files.walk(repository)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (Files.readString(file, StandardCharsets.ISO_8859_1).contains(text)) {
          return true;
        }
      }
      return false;
    }
  }

  private void assertWrong(Unlocking unlocking, String message) {
    assertThatThrownBy(() -> Repositories.open(dir, unlocking))
        .isInstanceOf(WrongPasswordException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> Repositories.openReadOnly(dir, unlocking))
        .isInstanceOf(WrongPasswordException.class)
        .hasMessageContaining(message);
  }

  /** The tables of all families but the one that has the keys; each table names its family. */
  private Map<String, byte[]> tables() throws IOException {
    Map<String, byte[]> tables = new TreeMap<>();
    try (Stream<Path> files = Files.list(dir.resolve("db"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".sst")).toList()) {
        byte[] bytes = Files.readAllBytes(file);
        if (!new String(bytes, StandardCharsets.ISO_8859_1).contains("default")) {
          tables.put(file.getFileName().toString(), bytes);
        }
      }
    }
    return tables;
  }

  private static KeyFile keyFile(int fill) {
    byte[] content = new byte[32];
    Arrays.fill(content, (byte) fill);
    return KeyFile.of(content);
  }
}
