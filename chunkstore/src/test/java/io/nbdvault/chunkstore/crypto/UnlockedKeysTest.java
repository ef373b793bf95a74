package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.chunkstore.key.Recipient;
import io.nbdvault.chunkstore.key.SlotKind;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnlockedKeysTest {
  private static final String REPOSITORY = "00112233445566778899aabbccddeeff";
  private static final Instant TIME = Instant.parse("2026-11-01T12:00:00Z");
  private static final Passphrase PASSPHRASE = Passphrase.of("correct horse".toCharArray());
  private static final KeyFile KEY_FILE = keyFile(7);

  @Test
  void unlocksByEachKindOfSlotToTheSameKeys() throws StoreException {
    PrivateKey.Pair pair = PrivateKey.generate();
    UnlockedKeys keys =
        UnlockedKeys.create(REPOSITORY, PASSPHRASE, "admin", TIME)
            .withSlot(KEY_FILE, "timer", TIME)
            .withSlot(pair.recipient(), "safe", TIME);
    assertSameKeys(unlock(keys, PASSPHRASE), keys, 1);
    assertSameKeys(unlock(keys, KEY_FILE), keys, 2);
    assertSameKeys(unlock(keys, pair.privateKey()), keys, 3);
    assertThat(keys.file().slots())
        .extracting(slot -> slot.slot())
        .containsExactly(
            new KeySlot(1, SlotKind.PASSPHRASE, "admin", TIME),
            new KeySlot(2, SlotKind.KEY_FILE, "timer", TIME),
            new KeySlot(3, SlotKind.RECIPIENT, "safe", TIME));
  }

  @Test
  void saysOfAWrongKeyOnlyThatItIsWrong() {
    UnlockedKeys keys =
        UnlockedKeys.create(REPOSITORY, PASSPHRASE, "", TIME)
            .withSlot(KEY_FILE, "", TIME)
            .withSlot(PrivateKey.generate().recipient(), "", TIME);
    UnlockingKey wrong = Passphrase.of("correct horsE".toCharArray());
    for (UnlockingKey key : List.of(wrong, keyFile(8), PrivateKey.generate().privateKey())) {
      assertThatThrownBy(() -> unlock(keys, key))
          .isInstanceOf(WrongPasswordException.class)
          .hasMessage("Wrong password or key for the repository /backup.");
    }
  }

  @Test
  void changesAPassphraseAndNothingElse() throws StoreException {
    UnlockedKeys keys =
        UnlockedKeys.create(REPOSITORY, PASSPHRASE, "admin", TIME).withSlot(KEY_FILE, "", TIME);
    Passphrase other = Passphrase.of("battery staple".toCharArray());
    UnlockedKeys changed = unlock(keys, PASSPHRASE).withKeyOfSlot(1, other, TIME.plusSeconds(60));
    assertSameKeys(unlock(changed, other), keys, 1);
    assertThatThrownBy(() -> unlock(changed, PASSPHRASE))
        .isInstanceOf(WrongPasswordException.class);
    assertThat(changed.file().slots().get(0).slot())
        .isEqualTo(new KeySlot(1, SlotKind.PASSPHRASE, "admin", TIME.plusSeconds(60)));
    assertThat(changed.file().slots().get(1)).isEqualTo(keys.file().slots().get(1));
    assertThat(changed.file().generation()).isEqualTo(keys.file().generation() + 1);
  }

  @Test
  void removesSlotsButNeverTheLast() throws StoreException {
    UnlockedKeys keys =
        UnlockedKeys.create(REPOSITORY, KEY_FILE, "", TIME)
            .withSlot(keyFile(1), "", TIME)
            .withSlot(keyFile(2), "", TIME);
    UnlockedKeys fewer = keys.withoutSlot(2);
    assertThatThrownBy(() -> unlock(fewer, keyFile(1))).isInstanceOf(WrongPasswordException.class);
    assertSameKeys(unlock(fewer, keyFile(2)), keys, 3);
    assertThat(fewer.withSlot(keyFile(3), "", TIME).file().slots())
        .as("the free number is given again")
        .extracting(slot -> slot.slot().number())
        .containsExactly(1, 2, 3);
    assertThatThrownBy(() -> fewer.withoutSlot(2)).isInstanceOf(IllegalArgumentException.class);
    UnlockedKeys one = fewer.withoutSlot(1);
    assertThatThrownBy(() -> one.withoutSlot(3)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void refusesMoreThanSixteenSlotsOrEightPassphrases() {
    UnlockedKeys keys = UnlockedKeys.create(REPOSITORY, KEY_FILE, "", TIME);
    for (int slot = 2; slot <= 9; slot++) {
      keys = keys.withSlot(PASSPHRASE, "", TIME);
    }
    UnlockedKeys eightPassphrases = keys;
    assertThatThrownBy(() -> eightPassphrases.withSlot(PASSPHRASE, "", TIME))
        .isInstanceOf(IllegalStateException.class);
    for (int slot = 10; slot <= 16; slot++) {
      keys = keys.withSlot(keyFile(slot), "", TIME);
    }
    UnlockedKeys full = keys;
    assertThatThrownBy(() -> full.withSlot(keyFile(17), "", TIME))
        .isInstanceOf(IllegalStateException.class);
    assertThat(full.file().encode().length).isLessThan(KeysFile.BYTES_MAX);
  }

  @Test
  void addsEpochsAndKeepsTheOldOnes() throws StoreException {
    UnlockedKeys keys = UnlockedKeys.create(REPOSITORY, KEY_FILE, "", TIME);
    byte[] first = keys.keyring().epochKey(1);
    UnlockedKeys rotated = unlock(unlock(keys, KEY_FILE).withNewEpoch(), KEY_FILE);
    assertThat(rotated.newestEpoch()).isEqualTo(2);
    assertThat(rotated.keyring().epochKey(1)).isEqualTo(first);
    assertThat(rotated.keyring().epochKey(2)).isNotEqualTo(first);
    assertThat(rotated.keyring().subkey(REPOSITORY, "id"))
        .isEqualTo(keys.keyring().subkey(REPOSITORY, "id"));
    UnlockedKeys many = rotated;
    while (many.newestEpoch() < 256) {
      many = many.withNewEpoch();
    }
    UnlockedKeys last = many;
    assertThat(last.file().encode().length).isLessThan(KeysFile.BYTES_MAX);
    assertThat(unlock(last, KEY_FILE).newestEpoch()).isEqualTo(256);
    assertThatThrownBy(last::withNewEpoch).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void takesNoSlotFromAnotherRepository() {
    UnlockedKeys mine = UnlockedKeys.create(REPOSITORY, KEY_FILE, "", TIME);
    KeysFile file = mine.file();
    KeysFile moved =
        new KeysFile(
            "ff" + REPOSITORY.substring(2), file.generation(), file.slots(), file.keyring());
    assertThatThrownBy(() -> UnlockedKeys.unlock("/backup", moved, KEY_FILE))
        .isInstanceOf(WrongPasswordException.class);
  }

  @Test
  void refusesAnOlderKeyringUnderNewerSlots() {
    UnlockedKeys keys = UnlockedKeys.create(REPOSITORY, KEY_FILE, "", TIME);
    UnlockedKeys rotated = keys.withNewEpoch();
    KeysFile mixed =
        new KeysFile(
            REPOSITORY, rotated.file().generation(), rotated.file().slots(), keys.file().keyring());
    assertThatThrownBy(() -> UnlockedKeys.unlock("/backup", mixed, KEY_FILE))
        .isInstanceOf(DamagedException.class);
  }

  @Test
  void refusesARecipientWhosePrivateKeyNobodyHas() {
    UnlockedKeys keys = UnlockedKeys.create(REPOSITORY, KEY_FILE, "", TIME);
    Recipient lowOrder = new Recipient("00".repeat(32));
    assertThatThrownBy(() -> keys.withSlot(lowOrder, "", TIME))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("public key");
  }

  private static UnlockedKeys unlock(UnlockedKeys keys, UnlockingKey key) throws StoreException {
    return UnlockedKeys.unlock("/backup", keys.file(), key);
  }

  private static void assertSameKeys(UnlockedKeys unlocked, UnlockedKeys expected, int slot) {
    assertThat(unlocked.keyring().encode()).isEqualTo(expected.keyring().encode());
    assertThat(unlocked.unlockedBy()).isEqualTo(slot);
  }

  private static KeyFile keyFile(int fill) {
    byte[] content = new byte[32];
    content[0] = (byte) fill;
    return KeyFile.of(content);
  }
}
