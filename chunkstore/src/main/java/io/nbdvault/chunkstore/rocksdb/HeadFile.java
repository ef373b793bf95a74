package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.format.HeadSlot;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The file {@code head}, which says how far the repository has come, so that a database that has
 * lost its end is not taken for a whole one. RocksDB takes a list of files that was cut for the
 * whole list, since a process that is killed leaves one like that.
 *
 * <p>Two slots, written by turns, in place: that needs no room, and whatever becomes of a write the
 * other slot is whole. They lie so far apart that they share no sector and no page.
 */
final class HeadFile {
  /** From the beginning of one slot to that of the other. */
  static final int SLOT_DISTANCE = 4096;

  private static final int SLOTS = 2;
  private static final int FILE_BYTES = SLOTS * SLOT_DISTANCE;

  /** A slot that somebody is writing just now may be read half. */
  private static final int READ_ATTEMPTS = 3;

  private final RepositoryDirectory directory;
  private final String repositoryId;

  HeadFile(RepositoryDirectory directory, String repositoryId) {
    this.directory = directory;
    this.repositoryId = repositoryId;
  }

  /**
   * What was read.
   *
   * @param newest the newer one of the slots that are whole; empty if none is
   * @param damage what is wrong with the file
   */
  record State(Optional<HeadSlot> newest, List<DamagedItem> damage) {}

  /** Reads the file. Whatever is wrong with it is in the result. */
  State read() {
    State state = readOnce();
    for (int i = 1; i < READ_ATTEMPTS && !state.damage().isEmpty(); i++) {
      state = readOnce();
    }
    return state;
  }

  private State readOnce() {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(directory.head())) {
      bytes = in.readNBytes(FILE_BYTES);
    } catch (NoSuchFileException e) {
      return new State(Optional.empty(), List.of(new DamagedItem("file head", "missing")));
    } catch (IOException e) {
      return new State(Optional.empty(), List.of(new DamagedItem("file head", "" + e)));
    }
    List<DamagedItem> damage = new ArrayList<>();
    @Nullable HeadSlot newest = null;
    for (int slot = 0; slot < SLOTS; slot++) {
      int from = Math.min(slot * SLOT_DISTANCE, bytes.length);
      int to = Math.min(slot * SLOT_DISTANCE + HeadSlot.BYTES, bytes.length);
      try {
        HeadSlot found = decode(Arrays.copyOfRange(bytes, from, to));
        if (newest == null || found.commits() > newest.commits()) {
          newest = found;
        }
      } catch (MalformedRecordException e) {
        damage.add(new DamagedItem("slot " + slot + " of file head", "" + e.getMessage()));
      }
    }
    return new State(Optional.ofNullable(newest), List.copyOf(damage));
  }

  private HeadSlot decode(byte[] bytes) throws MalformedRecordException {
    HeadSlot slot = HeadSlot.decode(bytes);
    if (!slot.repositoryId().equals(repositoryId)) {
      throw new MalformedRecordException(
          0, "repository id: " + slot.repositoryId() + " (expected: " + repositoryId + ")");
    }
    return slot;
  }

  /** Writes over the older slot. Durable when this returns. */
  void write(long commits, long nextOrdinal) throws IOException {
    byte[] slot = new HeadSlot(repositoryId, commits, nextOrdinal).encode();
    Database.beforeChange.run();
    try (FileChannel file = FileChannel.open(directory.head(), StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(slot);
      long offset = commits % SLOTS * SLOT_DISTANCE;
      while (bytes.hasRemaining()) {
        file.write(bytes, offset + bytes.position());
      }
      // Its length stays the same.
      file.force(false);
    }
  }

  /** Makes the file anew, with both slots. Durable when this returns. */
  void make(long commits, long nextOrdinal) throws IOException {
    byte[] slot = new HeadSlot(repositoryId, commits, nextOrdinal).encode();
    byte[] bytes = new byte[FILE_BYTES];
    for (int i = 0; i < SLOTS; i++) {
      System.arraycopy(slot, 0, bytes, i * SLOT_DISTANCE, slot.length);
    }
    Database.beforeChange.run();
    directory.writeHead(bytes);
  }
}
