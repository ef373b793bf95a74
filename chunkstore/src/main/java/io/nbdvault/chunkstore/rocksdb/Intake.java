package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.TreeNode;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Takes content in on the caller's thread: looks it up, and if the store does not have it,
 * compresses it and hands it to the writer. Look-up and storing are one step for each id: see
 * {@link Claim}.
 */
final class Intake {
  private final ContentReader reader;
  private final StoreWriter writer;
  private final Claims claims;
  private final int plainLengthMax;
  private final ThreadLocal<byte[]> compressionBuffer = ThreadLocal.withInitial(() -> new byte[0]);

  Intake(ContentReader reader, StoreWriter writer, Claims claims, int chunkSizeBytes) {
    this.reader = reader;
    this.writer = writer;
    this.claims = claims;
    this.plainLengthMax = Math.max(chunkSizeBytes, TreeNode.BYTES_MAX);
  }

  /** Stores content unless the store has it. Borrows the array until it returns. */
  CompletableFuture<StoredChunk> put(
      IndexKey key, byte[] plain, int offset, int length, ChunkCodec codec) {
    try {
      while (true) {
        Claim mine = new Claim(key);
        Claim first = claims.claim(mine);
        if (first == null) {
          return storeClaimed(mine, plain, offset, length, codec);
        }
        CompletableFuture<StoredChunk> theirs = follow(first);
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

  /** What comes of somebody else's claim; null if they gave it up. */
  private static @Nullable CompletableFuture<StoredChunk> follow(Claim first)
      throws InterruptedException {
    return switch (first.awaitDecision()) {
      case PRESENT -> duplicate(first.key());
      case SUBMITTED -> first.asDuplicate();
      case ABANDONED -> null;
    };
  }

  private CompletableFuture<StoredChunk> storeClaimed(
      Claim claim, byte[] plain, int offset, int length, ChunkCodec codec)
      throws StoreException, InterruptedException {
    Claim.Decision decision = Claim.Decision.ABANDONED;
    try {
      if (reader.lookUp(claim.key()) != null) {
        decision = Claim.Decision.PRESENT;
        return duplicate(claim.key());
      }
      byte[] record = encode(claim.key(), plain, offset, length, codec);
      writer.submit(new WriteTask.Content(claim, length, record));
      decision = Claim.Decision.SUBMITTED;
      return claim.stored();
    } finally {
      if (decision != Claim.Decision.SUBMITTED) {
        claims.end(claim);
      }
      claim.decide(decision);
    }
  }

  private static CompletableFuture<StoredChunk> duplicate(IndexKey key) {
    return CompletableFuture.completedFuture(
        new StoredChunk(key.id(), StoredChunk.Outcome.DUPLICATE, 0));
  }

  private byte[] encode(IndexKey key, byte[] plain, int offset, int length, ChunkCodec codec) {
    byte[] record = compressed(plain, offset, length, codec);
    Codec used = codec.codec();
    if (record == null) {
      used = Codec.NONE;
      record = new byte[ContentRecord.HEADER_BYTES + length];
      System.arraycopy(plain, offset, record, ContentRecord.HEADER_BYTES, length);
    }
    int payloadLength = record.length - ContentRecord.HEADER_BYTES;
    new ContentRecord(key.type(), used, key.id(), length, payloadLength).writeTo(record);
    return record;
  }

  /** Room for a header and the compressed bytes; null if they are no fewer than the plain ones. */
  private byte @Nullable [] compressed(byte[] plain, int offset, int length, ChunkCodec codec) {
    if (codec.codec() == Codec.NONE) {
      return null;
    }
    byte[] buffer = compressionBuffer(codec);
    int compressed = codec.compress(plain, offset, length, buffer, ContentRecord.HEADER_BYTES);
    return compressed < length
        ? Arrays.copyOf(buffer, ContentRecord.HEADER_BYTES + compressed)
        : null;
  }

  private byte[] compressionBuffer(ChunkCodec codec) {
    byte[] buffer = compressionBuffer.get();
    int needed = ContentRecord.HEADER_BYTES + codec.compressedLengthMax(plainLengthMax);
    if (buffer.length < needed) {
      buffer = new byte[needed];
      compressionBuffer.set(buffer);
    }
    return buffer;
  }
}
