package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * The ordinals that are kept: exact, and one bit each at the very most. Belongs to the thread that
 * collects.
 */
final class Marks {
  /** Most bytes of a saved file: a thousand million ordinals, marked at random. */
  static final int FILE_BYTES_MAX = 256 << 20;

  /**
   * A file that marks were saved to.
   *
   * @param length in bytes
   * @param checksum CRC32C of its bytes
   */
  record Saved(int length, int checksum) {}

  private final Roaring64Bitmap ordinals;

  Marks() {
    this(new Roaring64Bitmap());
  }

  private Marks(Roaring64Bitmap ordinals) {
    this.ordinals = ordinals;
  }

  /** Marks an ordinal. Returns whether it was not marked before. */
  boolean add(long ordinal) {
    if (ordinals.contains(ordinal)) {
      return false;
    }
    ordinals.addLong(ordinal);
    return true;
  }

  boolean contains(long ordinal) {
    return ordinals.contains(ordinal);
  }

  long count() {
    return ordinals.getLongCardinality();
  }

  /** How many of {@code [first, end)} are marked. */
  long count(long first, long end) {
    return end <= first ? 0 : ordinals.rankLong(end - 1) - ordinals.rankLong(first - 1);
  }

  Roaring64Bitmap ordinals() {
    return ordinals;
  }

  /** Bytes of memory that the marks take. */
  long memoryBytes() {
    return ordinals.getLongSizeInBytes();
  }

  /** Saves the marks. The file's content is durable when this returns; its name need not be. */
  Saved save(Path file) throws IOException {
    ordinals.runOptimize();
    CRC32C crc = new CRC32C();
    try (FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
        DataOutputStream out =
            new DataOutputStream(
                new BufferedOutputStream(
                    new CheckedOutputStream(Channels.newOutputStream(channel), crc)))) {
      ordinals.serializePortable(out);
      out.flush();
      channel.force(true);
      return new Saved(Math.toIntExact(channel.size()), (int) crc.getValue());
    }
  }

  /**
   * Reads marks that were saved.
   *
   * @throws MalformedRecordException if the file is missing or is not the one that was saved
   */
  static Marks load(Path file, Saved expected) throws IOException, MalformedRecordException {
    if (expected.length() > FILE_BYTES_MAX) {
      throw new MalformedRecordException(0, "marks: " + expected.length() + " bytes");
    }
    // The whole file is checked before any of it is believed.
    CRC32C crc = new CRC32C();
    try (InputStream in = new CheckedInputStream(Files.newInputStream(file), crc)) {
      long length = in.transferTo(OutputStream.nullOutputStream());
      if (length != expected.length() || (int) crc.getValue() != expected.checksum()) {
        throw new MalformedRecordException(0, "marks: not those that were saved");
      }
    } catch (NoSuchFileException e) {
      throw new MalformedRecordException(0, "marks", e);
    }
    Roaring64Bitmap ordinals = new Roaring64Bitmap();
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      ordinals.deserializePortable(in);
    }
    return new Marks(ordinals);
  }
}
