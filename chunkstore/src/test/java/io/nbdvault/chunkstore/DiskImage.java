package io.nbdvault.chunkstore;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/** A small disk in memory that is backed up and compared. */
public final class DiskImage {
  private final byte[] bytes;
  private final int chunkSizeBytes;

  /** A disk of zeros. */
  public DiskImage(int sizeBytes, int chunkSizeBytes) {
    this.bytes = new byte[sizeBytes];
    this.chunkSizeBytes = chunkSizeBytes;
  }

  /** How many chunks it has. */
  public int chunkCount() {
    return (bytes.length + chunkSizeBytes - 1) / chunkSizeBytes;
  }

  /** Fills a chunk with bytes that do not compress. */
  public void fill(int chunk, Random random) {
    byte[] content = new byte[length(chunk)];
    random.nextBytes(content);
    System.arraycopy(content, 0, bytes, chunk * chunkSizeBytes, content.length);
  }

  /** Fills a chunk with one byte. */
  public void fill(int chunk, int value) {
    int from = chunk * chunkSizeBytes;
    Arrays.fill(bytes, from, from + length(chunk), (byte) value);
  }

  /** Gives the disk the content of another of its size. */
  public void set(byte[] content) {
    System.arraycopy(content, 0, bytes, 0, bytes.length);
  }

  /** Puts every chunk in a tree of its own or over a parent's, which reads all of it anyway. */
  public DiskRecord backUp(BackupSession session, String name, Optional<DiskRecord> parent)
      throws StoreException {
    DiskTreeBuilder tree = session.newDisk(bytes.length, parent);
    for (int chunk = 0; chunk < chunkCount(); chunk++) {
      StoredChunk stored = session.put(bytes, chunk * chunkSizeBytes, length(chunk)).join();
      tree.append(chunk, stored.id());
    }
    return TestRecords.disk(name, bytes.length, tree.finish().root());
  }

  /** Reads a disk of a snapshot as a whole. */
  public static byte[] readAll(DiskReader disk) throws IOException {
    byte[] all = new byte[(int) disk.sizeBytes()];
    long chunks = (disk.sizeBytes() + disk.chunkSizeBytes() - 1) / disk.chunkSizeBytes();
    disk.forEachChunk(
        0,
        chunks,
        (index, id, plainLength) -> {
          int length = disk.read(id, all, (int) index * disk.chunkSizeBytes());
          if (length != plainLength) {
            throw new IOException("chunk " + index + ": " + length + " of " + plainLength);
          }
          return true;
        });
    return all;
  }

  /** A copy of the disk's bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  private int length(int chunk) {
    return Math.min(chunkSizeBytes, bytes.length - chunk * chunkSizeBytes);
  }
}
