package io.nbdvault.chunkstore.format;

import io.nbdvault.chunkstore.ChunkId;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The id of some content: its SHA-256. */
public final class ContentId {
  private static final ThreadLocal<MessageDigest> SHA_256 =
      ThreadLocal.withInitial(ContentId::newDigest);

  private ContentId() {}

  /**
   * The id of {@code plain[offset, offset + length)}. A heap array, because the JDK hashes one at
   * twice the speed of a direct buffer.
   */
  public static ChunkId of(byte[] plain, int offset, int length) {
    MessageDigest digest = SHA_256.get();
    digest.update(plain, offset, length);
    byte[] hash = new byte[ChunkId.BYTES];
    try {
      digest.digest(hash, 0, hash.length);
    } catch (DigestException e) {
      throw new IllegalStateException("SHA-256 does not fit into 32 bytes", e);
    }
    return ChunkId.fromBytes(hash, 0);
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform must have SHA-256", e);
    }
  }
}
