package io.nbdvault.chunkstore;

import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKey;
import java.util.List;

/**
 * The keys of an encrypted repository, unlocked, and the repository locked for this process. Every
 * change is durable when its call returns, and touches no data. Used by one thread.
 */
public interface RepositoryKeys extends AutoCloseable {
  /** The slots, by number. */
  List<KeySlot> slots();

  /** The slot whose key was given. */
  KeySlot unlockedBy();

  /** The number of the key under which new content is sealed: from 1. */
  int keyEpoch();

  /**
   * Adds a slot.
   *
   * @throws IllegalArgumentException if the label is too long, or nobody can have the private key
   * @throws IllegalStateException if there are too many slots
   */
  KeySlot add(SlotKey key, String label) throws StoreException;

  /**
   * Removes a slot. Who has opened it before may have kept the keys: that is not taken back.
   *
   * @throws IllegalArgumentException if there is no such slot
   * @throws IllegalStateException if it is the last
   */
  void remove(int number) throws StoreException;

  /**
   * Gives a slot another key.
   *
   * @throws IllegalArgumentException if there is no such slot
   */
  KeySlot change(int number, SlotKey key) throws StoreException;

  /**
   * Begins a new epoch: what is stored from now on is sealed under a new key. What is stored
   * already stays as it is, and is still deduplicated against.
   *
   * @throws IllegalStateException if there were too many
   */
  void rotate() throws StoreException;

  /** Unlocks the repository for other processes. */
  @Override
  void close();
}
