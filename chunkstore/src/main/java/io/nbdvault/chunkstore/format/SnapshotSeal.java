package io.nbdvault.chunkstore.format;

/** How snapshot records are sealed, if they are. Any thread. */
public interface SnapshotSeal {
  /** For repositories that are not encrypted. */
  SnapshotSeal NONE =
      new SnapshotSeal() {
        @Override
        public boolean isSealing() {
          return false;
        }

        @Override
        public byte[] seal(byte[] key, byte[] header, byte[] json) {
          return json;
        }

        @Override
        public byte[] open(byte[] key, byte[] header, byte[] payload) {
          return payload;
        }
      };

  /** Whether records are sealed; one that is not is refused then, and the other way round. */
  boolean isSealing();

  /** Whether nothing can be opened, because the key is not at hand. */
  default boolean isLocked() {
    return false;
  }

  /**
   * Seals a record's JSON, which becomes {@link ContentRecord#SEAL_BYTES} longer.
   *
   * @param key of the record, to which it is bound
   * @param header bytes 0 to 7 of the record, to which it is bound too
   */
  byte[] seal(byte[] key, byte[] header, byte[] json);

  /**
   * Opens a payload.
   *
   * @throws MalformedRecordException if it was not sealed so by somebody who has the key
   */
  byte[] open(byte[] key, byte[] header, byte[] payload) throws MalformedRecordException;
}
