package io.nbdvault.chunkstore.format;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.RepositoryConfig;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Set;

/**
 * {@code config.json}: one JSON object. The field {@code formatVersion} stands in every version of
 * the format; the others are read only if that version is known. A field that is not known is
 * refused, because it may change the meaning of everything else.
 *
 * <pre>
 * {
 *   "formatVersion" : 2,
 *   "repositoryId" : "32 lower-case hex digits",
 *   "chunkSizeBytes" : 65536,
 *   "compression" : "lz4", "zstd:LEVEL" or "none",
 *   "encryption" : "aes-256-gcm", left out if there is none,
 *   "created" : "2026-11-01T12:00:00Z"
 * }
 * </pre>
 */
public final class ConfigFile {
  /** Most bytes of the file. */
  public static final int BYTES_MAX = 16 << 10;

  private static final Set<String> FIELDS =
      Set.of(
          "formatVersion",
          "repositoryId",
          "chunkSizeBytes",
          "compression",
          "encryption",
          "created");

  private ConfigFile() {}

  /** The file's bytes. */
  public static byte[] encode(RepositoryConfig config) {
    ObjectNode json = JsonFields.newObject();
    json.put("formatVersion", config.formatVersion());
    json.put("repositoryId", config.repositoryId());
    json.put("chunkSizeBytes", config.chunkSizeBytes());
    json.put("compression", config.compression().toString());
    if (config.encryption() != Encryption.NONE) {
      json.put("encryption", config.encryption().toString());
    }
    json.put("created", config.created().toString());
    return JsonFields.encodePretty(json);
  }

  /** The format version alone, which can be read whatever the version. */
  public static int formatVersion(byte[] file) throws MalformedRecordException {
    JsonFields json = JsonFields.parse(file, 0, file.length);
    try {
      return json.smallNumber("formatVersion");
    } catch (JsonFields.WrongFieldException e) {
      throw new MalformedRecordException(0, "config", e);
    }
  }

  /** Reads the file of a format version that is known. */
  public static RepositoryConfig decode(byte[] file) throws MalformedRecordException {
    JsonFields json = JsonFields.parse(file, 0, file.length);
    for (var names = json.node().fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!FIELDS.contains(name)) {
        throw new MalformedRecordException(0, "JSON field " + name + " is not known");
      }
    }
    try {
      return new RepositoryConfig(
          json.text("repositoryId"),
          json.smallNumber("formatVersion"),
          json.smallNumber("chunkSizeBytes"),
          Compression.parse(json.text("compression")),
          Encryption.parse(json.optionalText("encryption").orElse("none")),
          Instant.parse(json.text("created")));
    } catch (JsonFields.WrongFieldException | IllegalArgumentException | DateTimeException e) {
      throw new MalformedRecordException(0, "config", e);
    }
  }
}
