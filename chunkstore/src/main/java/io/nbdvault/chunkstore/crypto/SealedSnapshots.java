package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Seals snapshot records, each under a key derived from its own key in the catalog. */
final class SealedSnapshots implements SnapshotSeal {
  private static final byte[] SNAPSHOT = "snapshot".getBytes(StandardCharsets.US_ASCII);

  private final byte[] repositoryId;
  private final byte[] metaKey;

  SealedSnapshots(byte[] repositoryId, byte[] metaKey) {
    this.repositoryId = repositoryId;
    this.metaKey = metaKey;
  }

  @Override
  public boolean isSealing() {
    return true;
  }

  @Override
  public byte[] seal(byte[] key, byte[] header, byte[] json) {
    return Aead.seal(recordKey(key), json, associatedData(key, header));
  }

  @Override
  public byte[] open(byte[] key, byte[] header, byte[] payload) throws MalformedRecordException {
    byte[] json = Aead.open(recordKey(key), payload, associatedData(key, header));
    if (json == null) {
      throw new MalformedRecordException(12, "not sealed with this repository's keys");
    }
    return json;
  }

  private byte[] recordKey(byte[] key) {
    return Hkdf.expand(Hkdf.hmac(metaKey), SNAPSHOT, key);
  }

  private byte[] associatedData(byte[] key, byte[] header) {
    return ByteBuffer.allocate(key.length + header.length + repositoryId.length)
        .put(key)
        .put(header)
        .put(repositoryId)
        .array();
  }
}
