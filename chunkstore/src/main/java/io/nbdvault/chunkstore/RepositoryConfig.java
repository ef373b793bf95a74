package io.nbdvault.chunkstore;

import java.time.Instant;

/**
 * What was decided when a repository was created and never changes.
 *
 * @param repositoryId 32 lower-case hex digits, random
 * @param formatVersion version of everything that is stored; see {@code docs/FORMATS.md}
 * @param chunkSizeBytes length of every chunk but a disk's last: a power of two, 16 KiB to 4 MiB
 * @param compression what a backup uses unless it is told otherwise
 * @param encryption how everything is sealed; none in format version 1
 * @param created when the repository was created
 */
public record RepositoryConfig(
    String repositoryId,
    int formatVersion,
    int chunkSizeBytes,
    Compression compression,
    Encryption encryption,
    Instant created) {
  /** The format that this version writes, and the newest that it reads. */
  public static final int FORMAT_VERSION = 2;

  /** The same, in the format that this version writes. */
  public RepositoryConfig upgraded() {
    return new RepositoryConfig(
        repositoryId, FORMAT_VERSION, chunkSizeBytes, compression, encryption, created);
  }

  /** Checks the bounds given above. */
  public RepositoryConfig {
    Checks.hex("repository id", repositoryId, 32);
    Checks.that(formatVersion >= 1, "format version", formatVersion, ">= 1");
    RepositoryOptions.checkChunkSize(chunkSizeBytes);
    Checks.that(
        formatVersion >= 2 || compression.codec() != Codec.ZSTD,
        "compression of format 1",
        compression,
        "lz4 or none");
    boolean known = formatVersion >= 2 || encryption == Encryption.NONE;
    Checks.that(known, "encryption in format version 1", encryption, "none");
  }
}
