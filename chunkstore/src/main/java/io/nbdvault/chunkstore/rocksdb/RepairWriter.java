package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Writes rows into the database that is being repaired, and those whose bytes are taken out of it
 * into a file in quarantine first, a line each: family, key and value, in hexadecimal digits.
 */
final class RepairWriter implements AutoCloseable {
  private static final int BATCH_BYTES = 4 << 20;

  private final RepositoryDirectory directory;
  private final Database database;
  private @Nullable RowBatch batch;
  private int batchBytes;
  private @Nullable FileChannel file;

  RepairWriter(RepositoryDirectory directory, Database database) {
    this.directory = directory;
    this.database = database;
  }

  void put(Family family, byte[] key, byte[] value) throws StoreException {
    open().put(family, key, value);
    added(key.length + value.length);
  }

  void delete(Family family, byte[] key) throws StoreException {
    open().delete(family, key);
    added(key.length);
  }

  /** Keeps a row that is about to be deleted or replaced. Durable once this is closed. */
  void quarantine(Family family, byte[] key, byte[] value) throws StoreException {
    HexFormat hex = HexFormat.of();
    String line =
        family.nameInDatabase() + " " + hex.formatHex(key) + " " + hex.formatHex(value) + "\n";
    try {
      FileChannel out = file;
      if (out == null) {
        out = create();
        file = out;
      }
      // Not closed: that would close the file.
      OutputStream bytes = Channels.newOutputStream(out);
      bytes.write(line.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "keeping what is damaged", e);
    }
  }

  private FileChannel create() throws IOException {
    Path place = new Quarantine(directory).newFile("rows");
    return FileChannel.open(place, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  private RowBatch open() {
    RowBatch open = batch;
    if (open == null) {
      open = database.newBatch();
      batch = open;
    }
    return open;
  }

  private void added(int bytes) throws StoreException {
    batchBytes += bytes;
    if (batchBytes >= BATCH_BYTES) {
      write();
    }
  }

  /** Writes what was collected so far. */
  void write() throws StoreException {
    RowBatch full = batch;
    if (full != null) {
      try (full) {
        database.write(full);
      } finally {
        batch = null;
        batchBytes = 0;
      }
    }
  }

  /** Makes what is in quarantine durable. What was not written is not written any more. */
  @Override
  public void close() throws StoreException {
    RowBatch unwritten = batch;
    if (unwritten != null) {
      unwritten.close();
    }
    try (FileChannel kept = file) {
      if (kept != null) {
        kept.force(true);
        RepositoryDirectory.sync(new Quarantine(directory).dir());
      }
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "keeping what is damaged", e);
    }
  }
}
