package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.Awaiting;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Takes content in on the caller's thread: looks it up, and if the store does not have it,
 * compresses it and hands it to the writer. Look-up and storing are one step for each id: see
 * {@link Claim}.
 */
final class Intake {
  private final ContentReader reader;
  private final ContentCipher cipher;
  private final StoreWriter writer;
  private final Claims claims;
  private final int plainLengthMax;
  private final ThreadLocal<byte[]> compressionBuffer = ThreadLocal.withInitial(() -> new byte[0]);

  Intake(
      ContentReader reader,
      ContentCipher cipher,
      StoreWriter writer,
      Claims claims,
      int chunkSizeBytes) {
    this.reader = reader;
    this.cipher = cipher;
    this.writer = writer;
    this.claims = claims;
    this.plainLengthMax = Math.max(chunkSizeBytes, TreeNode.BYTES_MAX);
  }

  /**
   * Stores content unless the store has it. Borrows the array until it returns.
   *
   * @param verified whether a new record is opened again and compared before it is stored
   * @param epoch of the session that relies on the content from now on: the index row has it, or a
   *     later one, when the future completes
   */
  CompletableFuture<StoredChunk> put(
      IndexKey key,
      byte[] plain,
      int offset,
      int length,
      ChunkCodec codec,
      boolean verified,
      long epoch) {
    try {
      while (true) {
        Claim mine = new Claim(key, epoch);
        Claim first = claims.claim(mine);
        if (first == null) {
          return storeClaimed(mine, plain, offset, length, codec, verified);
        }
        CompletableFuture<StoredChunk> theirs = follow(first, epoch);
        if (theirs != null) {
          return theirs;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CompletableFuture.failedFuture(
          new StoreFailedException("Interrupted while storing " + key + ".", e));
    } catch (StoreException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * What comes of somebody else's claim; null if they gave it up, or if theirs is over and leaves
   * the row with an epoch that is too early.
   */
  private static @Nullable CompletableFuture<StoredChunk> follow(Claim first, long epoch)
      throws StoreException, InterruptedException {
    Claim.Decision decision = first.awaitDecision();
    if (first.epoch() < epoch) {
      if (decision == Claim.Decision.SUBMITTED) {
        Awaiting.result(first.stored());
      }
      return null;
    }
    return switch (decision) {
      case PRESENT -> duplicate(first.key());
      case SUBMITTED -> first.asDuplicate();
      case ABANDONED -> null;
    };
  }

  private CompletableFuture<StoredChunk> storeClaimed(
      Claim claim, byte[] plain, int offset, int length, ChunkCodec codec, boolean verified)
      throws StoreException, InterruptedException {
    Claim.Decision decision = Claim.Decision.ABANDONED;
    try {
      byte[] bytes = reader.rowBytes(claim.key());
      IndexRow row = bytes == null ? null : IndexRow.ifWhole(bytes);
      if (row == null || row.damaged()) {
        byte[] record = encode(claim.key(), plain, offset, length, codec);
        if (verified) {
          verify(claim.key(), record, plain, offset, length);
        }
        writer.submit(newContent(claim, length, record, row, bytes != null));
      } else if (row.epoch() < claim.epoch()) {
        writer.submit(new WriteTask.Refresh(claim, row.withEpoch(claim.epoch())));
      } else {
        decision = Claim.Decision.PRESENT;
        return duplicate(claim.key());
      }
      decision = Claim.Decision.SUBMITTED;
      return claim.stored();
    } finally {
      if (decision != Claim.Decision.SUBMITTED) {
        claims.end(claim);
      }
      claim.decide(decision);
    }
  }

  private WriteTask.Content newContent(
      Claim claim, int length, byte[] record, @Nullable IndexRow row, boolean hasRow)
      throws StoreException {
    if (row != null) {
      return WriteTask.Content.heals(claim, length, record, row);
    }
    return hasRow
        ? WriteTask.Content.replaces(claim, length, record, reader.epoch())
        : WriteTask.Content.isNew(claim, length, record);
  }

  private static CompletableFuture<StoredChunk> duplicate(IndexKey key) {
    return CompletableFuture.completedFuture(
        new StoredChunk(key.id(), StoredChunk.Outcome.DUPLICATE, 0));
  }

  private byte[] encode(IndexKey key, byte[] plain, int offset, int length, ChunkCodec codec) {
    byte[] compressed = plain;
    int compressedOffset = offset;
    int compressedLength = length;
    Codec used = Codec.NONE;
    if (codec.codec() != Codec.NONE) {
      byte[] buffer = compressionBuffer(codec);
      int fewer = codec.compress(plain, offset, length, buffer, 0);
      if (fewer < length) {
        compressed = buffer;
        compressedOffset = 0;
        compressedLength = fewer;
        used = codec.codec();
      }
    }
    int payloadLength = cipher.prefixBytes() + compressedLength + cipher.suffixBytes();
    ContentRecord header =
        new ContentRecord(key.type(), used, cipher.keyEpoch(), key.id(), length, payloadLength);
    byte[] record = new byte[header.recordLength()];
    int payloadOffset = ContentRecord.HEADER_BYTES + cipher.prefixBytes();
    System.arraycopy(compressed, compressedOffset, record, payloadOffset, compressedLength);
    header.writeTo(record);
    cipher.seal(header, record);
    return record;
  }

  /** What the memory holds now is what will be stored: better no record than a wrong one. */
  private void verify(IndexKey key, byte[] record, byte[] plain, int offset, int length)
      throws StoreFailedException {
    if (!reader.opensTo(record, plain, offset, length)) {
      throw new StoreFailedException(
          "The record of "
              + key
              + " does not give back what it was made of: this machine's memory or processor errs.",
          null);
    }
  }

  private byte[] compressionBuffer(ChunkCodec codec) {
    byte[] buffer = compressionBuffer.get();
    int needed = codec.compressedLengthMax(plainLengthMax);
    if (buffer.length < needed) {
      buffer = new byte[needed];
      compressionBuffer.set(buffer);
    }
    return buffer;
  }
}
