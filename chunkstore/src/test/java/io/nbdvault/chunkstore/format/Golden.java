package io.nbdvault.chunkstore.format;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The files in {@code golden/v1} and later ones, and what they hold. They were written by a program
 * of its own after {@code docs/FORMATS.md}, not by this code, and are never changed: what a
 * released version wrote must be read for ever.
 */
final class Golden {
  static final byte[] PLAIN = plain();
  static final SnapshotId SNAPSHOT_ID = new SnapshotId("00112233445566778899aabbccddeeff");
  static final byte[] COUNTER_NAME = "next-ordinal".getBytes(StandardCharsets.US_ASCII);

  private Golden() {}

  /** A file, such as {@code v1/counter.hex}. */
  static byte[] file(String name) {
    try (InputStream in =
        Objects.requireNonNull(Golden.class.getResourceAsStream("/golden/" + name))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] hex(String name) {
    String text = new String(file(name), StandardCharsets.US_ASCII);
    return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
  }

  static ChunkId plainId() {
    return ContentId.of(PLAIN, 0, PLAIN.length);
  }

  static TreeNode leaf() {
    byte[] ascending = new byte[ChunkId.BYTES];
    for (int i = 0; i < ascending.length; i++) {
      ascending[i] = (byte) i;
    }
    ChunkId[] children = {plainId(), ChunkId.ZERO, ChunkId.fromBytes(ascending, 0)};
    return new TreeNode(0, children);
  }

  static RepositoryConfig config() {
    return new RepositoryConfig(
        SNAPSHOT_ID.hex(),
        1,
        65536,
        Compression.LZ4,
        Encryption.NONE,
        Instant.parse("2026-11-01T12:00:00Z"));
  }

  static SnapshotRecord snapshot() {
    byte[] leaf = leaf().encode();
    Checkpoint checkpoint =
        new Checkpoint(
            "nbdvault-00112233",
            65536,
            true,
            List.of("/vm/web.qcow2", "/vm/base.qcow2"),
            Optional.of("pid 4711"));
    DiskRecord vda =
        new DiskRecord(
            "vda",
            8589934592L,
            "qcow2",
            ContentId.of(leaf, 0, leaf.length),
            Optional.of(checkpoint),
            new DiskStatistics(1, 2, 3, 4, 5, 6, 7),
            true,
            Optional.empty());
    DiskRecord vdb =
        new DiskRecord(
            "vdb",
            0,
            "raw",
            ChunkId.ZERO,
            Optional.empty(),
            new DiskStatistics(0, 0, 0, 0, 0, 0, 0),
            false,
            Optional.of("the bitmap is gone"));
    return new SnapshotRecord(
        SNAPSHOT_ID,
        "web",
        Optional.of("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        Instant.parse("2026-11-01T12:34:56.789Z"),
        Consistency.FILESYSTEM,
        Optional.of(new SnapshotId("ffeeddccbbaa99887766554433221100")),
        List.of(vda, vdb),
        List.of(new SkippedDisk("cd0", "read-only")),
        new SnapshotStatistics(Duration.ofMillis(62_500)),
        new TreeMap<>(Map.of("a", "1", "ä", "ö")),
        Optional.of("7.2.0"),
        Optional.of("{\"cpus\":2}"));
  }

  private static byte[] plain() {
    byte[] plain = new byte[100];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = (byte) (i * 7);
    }
    return plain;
  }
}
