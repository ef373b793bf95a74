package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * An encrypted repository. Ids are HMACs, so only who has the keys can tell whether some content is
 * stored. Each record is sealed by AES-256-GCM under a key of its own, derived from the key of its
 * epoch and its id: no key ever seals more than the versions of one record, far below what random
 * nonces of 96 bits allow. It is bound to its header and its repository.
 */
public final class SealedContent implements ContentCipher {
  private static final byte[] CHUNK = "chunk".getBytes(StandardCharsets.US_ASCII);
  private static final int AUTHENTICATED_HEADER_BYTES = 48;
  private static final int ID_OFFSET = 8;

  private final Keyring keyring;
  private final byte[] repositoryId;
  private final byte[] chunkIdKey;
  private final byte[] nodeIdKey;
  private final SnapshotSeal snapshots;

  /** Making these takes longer than using them. */
  private final ThreadLocal<Tools> tools = ThreadLocal.withInitial(Tools::new);

  private final class Tools {
    final Mac chunkId = Hkdf.hmac(chunkIdKey);
    final Mac nodeId = Hkdf.hmac(nodeIdKey);
    final Cipher cipher = Aead.newCipher();
    final byte[] nonce = new byte[Aead.NONCE_BYTES];
    final @Nullable Mac[] ofEpoch = new @Nullable Mac[keyring.newestEpoch() + 1];

    byte[] recordKey(int epoch, byte[] id) {
      Mac mac = ofEpoch[epoch];
      if (mac == null) {
        mac = Hkdf.hmac(keyring.epochKey(epoch));
        ofEpoch[epoch] = mac;
      }
      return Hkdf.expand(mac, CHUNK, id);
    }
  }

  /** Seals with the keys of a repository. */
  public SealedContent(UnlockedKeys keys) {
    String repository = keys.file().repositoryId();
    this.keyring = keys.keyring();
    this.repositoryId = HexFormat.of().parseHex(repository);
    this.chunkIdKey = keyring.subkey(repository, "id");
    this.nodeIdKey = keyring.subkey(repository, "node");
    this.snapshots = new SealedSnapshots(repositoryId, keyring.subkey(repository, "meta"));
  }

  @Override
  public ChunkId id(RecordType type, byte[] plain, int offset, int length) {
    Mac mac = type == RecordType.NODE ? tools.get().nodeId : tools.get().chunkId;
    mac.update(plain, offset, length);
    return ChunkId.fromBytes(mac.doFinal(), 0);
  }

  @Override
  public int keyEpoch() {
    return keyring.newestEpoch();
  }

  @Override
  public int prefixBytes() {
    return Aead.NONCE_BYTES;
  }

  @Override
  public int suffixBytes() {
    return Aead.TAG_BYTES;
  }

  @Override
  public SnapshotSeal snapshots() {
    return snapshots;
  }

  @Override
  public void seal(ContentRecord header, byte[] record) {
    Tools mine = tools.get();
    Randomness.fill(mine.nonce);
    System.arraycopy(mine.nonce, 0, record, ContentRecord.HEADER_BYTES, Aead.NONCE_BYTES);
    try {
      int sealed = apply(Cipher.ENCRYPT_MODE, mine, header, record, header.compressedLength());
      if (sealed != header.compressedLength() + Aead.TAG_BYTES) {
        throw new IllegalStateException("AES-256-GCM made " + sealed + " bytes");
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-256-GCM does not seal", e);
    }
  }

  @Override
  public int open(ContentRecord header, byte[] record) throws MalformedRecordException {
    if (header.keyEpoch() < 1 || header.keyEpoch() > keyring.newestEpoch()) {
      throw new MalformedRecordException(
          4, "key epoch: " + header.keyEpoch() + " (expected: 1 to " + keyEpoch() + ")");
    }
    int length = header.compressedLength() + Aead.TAG_BYTES;
    try {
      apply(Cipher.DECRYPT_MODE, tools.get(), header, record, length);
    } catch (AEADBadTagException e) {
      throw new MalformedRecordException(
          ContentRecord.HEADER_BYTES, "not sealed with this repository's keys", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-256-GCM does not open", e);
    }
    return ContentRecord.HEADER_BYTES + Aead.NONCE_BYTES;
  }

  /** Seals or opens in place: what comes out lies where what went in did. */
  private int apply(int mode, Tools mine, ContentRecord header, byte[] record, int length)
      throws GeneralSecurityException {
    byte[] id = new byte[ChunkId.BYTES];
    System.arraycopy(record, ID_OFFSET, id, 0, id.length);
    byte[] key = mine.recordKey(header.keyEpoch(), id);
    int payload = ContentRecord.HEADER_BYTES;
    mine.cipher.init(
        mode,
        new SecretKeySpec(key, "AES"),
        new GCMParameterSpec(8 * Aead.TAG_BYTES, record, payload, Aead.NONCE_BYTES));
    mine.cipher.updateAAD(record, 0, AUTHENTICATED_HEADER_BYTES);
    mine.cipher.updateAAD(repositoryId);
    int start = payload + Aead.NONCE_BYTES;
    return mine.cipher.doFinal(record, start, length, record, start);
  }
}
