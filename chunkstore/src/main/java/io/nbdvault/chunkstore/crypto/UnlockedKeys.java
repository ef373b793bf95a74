package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SlotRecord;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.SlotKind;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;

/**
 * The keys of a repository, unlocked. Two layers: the keyring is sealed under a random wrapping
 * key, and each slot has the wrapping key sealed under its own. So changing a slot, or adding an
 * epoch, needs one slot's key only. Immutable: every change gives the next generation, which is not
 * stored yet.
 */
public final class UnlockedKeys {
  private final KeysFile file;
  private final int unlockedBy;
  private final byte[] wrappingKey;
  private final Keyring keyring;

  private UnlockedKeys(KeysFile file, int unlockedBy, byte[] wrappingKey, Keyring keyring) {
    this.file = file;
    this.unlockedBy = unlockedBy;
    this.wrappingKey = wrappingKey;
    this.keyring = keyring;
  }

  /** New keys, with one slot. */
  public static UnlockedKeys create(String repositoryId, SlotKey key, String label, Instant now) {
    byte[] wrappingKey = Randomness.bytes(KeysFile.KEY_BYTES);
    Keyring keyring = Keyring.random();
    SlotRecord slot = SlotSealing.seal(repositoryId, 1, label, seconds(now), key, wrappingKey);
    KeysFile file = seal(repositoryId, 1, List.of(slot), wrappingKey, keyring);
    return new UnlockedKeys(file, 1, wrappingKey, keyring);
  }

  /**
   * Unlocks keys. A wrong passphrase is tried on all slots of its kind, half a second each.
   *
   * @param location the repository, for messages
   * @throws WrongPasswordException if the key opens no slot
   * @throws DamagedException if it does, but the keys are not what was stored with that slot
   */
  public static UnlockedKeys unlock(String location, KeysFile file, UnlockingKey key)
      throws WrongPasswordException, DamagedException {
    for (SlotRecord slot : file.slots()) {
      byte[] wrappingKey = SlotSealing.open(file.repositoryId(), slot, key);
      if (wrappingKey != null) {
        Keyring keyring = openKeyring(file, wrappingKey);
        return new UnlockedKeys(file, slot.slot().number(), wrappingKey, keyring);
      }
    }
    throw WrongPasswordException.wrong(location);
  }

  /** What is to be stored. */
  public KeysFile file() {
    return file;
  }

  /** Number of the slot that was opened. */
  public int unlockedBy() {
    return unlockedBy;
  }

  /** The epoch under whose key is sealed: from 1. */
  public int newestEpoch() {
    return keyring.newestEpoch();
  }

  /** The keys in the clear. */
  Keyring keyring() {
    return keyring;
  }

  /**
   * With one more slot, which gets the lowest number that is free.
   *
   * @throws IllegalStateException if there are too many slots already
   */
  public UnlockedKeys withSlot(SlotKey key, String label, Instant now) {
    int number = 1;
    for (SlotRecord slot : file.slots()) {
      number += slot.slot().number() == number ? 1 : 0;
    }
    if (number > KeySlot.NUMBER_MAX) {
      throw new IllegalStateException("all " + KeySlot.NUMBER_MAX + " key slots are in use");
    }
    SlotRecord added =
        SlotSealing.seal(file.repositoryId(), number, label, seconds(now), key, wrappingKey);
    List<SlotRecord> slots = new ArrayList<>(file.slots());
    slots.add(added);
    if (added.slot().kind() == SlotKind.PASSPHRASE && passphrases() == KeySlot.PASSPHRASES_MAX) {
      throw new IllegalStateException(
          "all " + KeySlot.PASSPHRASES_MAX + " key slots for passwords are in use");
    }
    return next(slots, keyring);
  }

  /**
   * Without a slot. That takes nothing back from who has opened it before.
   *
   * @throws IllegalArgumentException if there is no such slot
   * @throws IllegalStateException if it is the last
   */
  public UnlockedKeys withoutSlot(int number) {
    SlotRecord removed = slot(number);
    if (file.slots().size() == 1) {
      throw new IllegalStateException(
          "key slot " + number + " is the last: without it nobody can read the repository");
    }
    return next(file.slots().stream().filter(slot -> !slot.equals(removed)).toList(), keyring);
  }

  /**
   * With another key for a slot, which keeps its number and label.
   *
   * @throws IllegalArgumentException if there is no such slot
   */
  public UnlockedKeys withKeyOfSlot(int number, SlotKey key, Instant now) {
    SlotRecord old = slot(number);
    SlotRecord changed =
        SlotSealing.seal(
            file.repositoryId(), number, old.slot().label(), seconds(now), key, wrappingKey);
    return next(
        file.slots().stream().map(slot -> slot.equals(old) ? changed : slot).toList(), keyring);
  }

  /**
   * With a new epoch, under whose key everything is sealed from then on.
   *
   * @throws IllegalStateException if there are too many epochs already
   */
  public UnlockedKeys withNewEpoch() {
    return next(file.slots(), keyring.withNewEpoch());
  }

  private UnlockedKeys next(List<SlotRecord> slots, Keyring nextKeyring) {
    List<SlotRecord> sorted =
        slots.stream().sorted(Comparator.comparingInt(slot -> slot.slot().number())).toList();
    long generation = Math.addExact(file.generation(), 1);
    KeysFile next = seal(file.repositoryId(), generation, sorted, wrappingKey, nextKeyring);
    return new UnlockedKeys(next, unlockedBy, wrappingKey, nextKeyring);
  }

  private SlotRecord slot(int number) {
    return file.slots().stream()
        .filter(slot -> slot.slot().number() == number)
        .findAny()
        .orElseThrow(() -> new IllegalArgumentException("there is no key slot " + number));
  }

  private long passphrases() {
    return file.slots().stream().filter(slot -> slot.slot().kind() == SlotKind.PASSPHRASE).count();
  }

  private static KeysFile seal(
      String repositoryId,
      long generation,
      List<SlotRecord> slots,
      byte[] wrappingKey,
      Keyring keyring) {
    byte[] associatedData = KeysFile.associatedData(repositoryId, generation, slots);
    byte[] sealed = Aead.seal(wrappingKey, keyring.encode(), associatedData);
    return new KeysFile(repositoryId, generation, slots, HexFormat.of().formatHex(sealed));
  }

  private static Keyring openKeyring(KeysFile file, byte[] wrappingKey) throws DamagedException {
    byte[] associatedData =
        KeysFile.associatedData(file.repositoryId(), file.generation(), file.slots());
    byte[] plain = Aead.open(wrappingKey, HexFormat.of().parseHex(file.keyring()), associatedData);
    if (plain == null) {
      throw new DamagedException(
          "keys.json", OptionalLong.empty(), "it was changed by who has no key to it", null);
    }
    try {
      return Keyring.decode(plain);
    } catch (MalformedRecordException e) {
      throw new DamagedException("keys.json", OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }

  private static Instant seconds(Instant now) {
    return now.truncatedTo(ChronoUnit.SECONDS);
  }
}
