package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKind;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * {@code keys.json}: the keys of an encrypted repository, sealed. One JSON object, of which the
 * same bytes lie in family {@code default} under the key {@code keys}.
 *
 * <pre>
 * {
 *   "keysVersion" : 1,
 *   "repositoryId" : "32 lower-case hex digits",
 *   "generation" : 1, and one more with every change,
 *   "slots" : [ see {@link SlotRecord} and {@link SlotParameters} ],
 *   "keyring" : "hex digits: sealed by the wrapping key that is in each slot",
 *   "checksum" : "8 hex digits"
 * }
 * </pre>
 *
 * <p>The checksum is the CRC32C of the other fields as compact JSON in the order above. It tells
 * damage from a wrong password; what keeps the file from being changed is that the keyring is bound
 * to all of it ({@link #associatedData}).
 *
 * @param repositoryId whose keys these are
 * @param generation from 1
 * @param slots 1 to {@link KeySlot#NUMBER_MAX}, ascending by number
 * @param keyring sealed, as hex digits
 */
public record KeysFile(
    String repositoryId, long generation, List<SlotRecord> slots, String keyring) {
  /** Most bytes of the file. */
  public static final int BYTES_MAX = 64 << 10;

  /** Length of every key in bytes. */
  public static final int KEY_BYTES = 32;

  static final int NONCE_BYTES = 12;
  static final int TAG_BYTES = 16;

  /** Length of a key that is sealed by AES-256-GCM: nonce, key, tag. */
  static final int SEALED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

  private static final int VERSION = 1;

  /** Checks the bounds given above. */
  public KeysFile {
    HexField.check("repository id", repositoryId, 16);
    slots = List.copyOf(slots);
    if (generation < 1) {
      throw new IllegalArgumentException("generation: " + generation + " (expected: >= 1)");
    }
    if (slots.isEmpty()) {
      throw new IllegalArgumentException("key slots: 0 (expected: >= 1)");
    }
    for (int i = 1; i < slots.size(); i++) {
      if (slots.get(i).slot().number() <= slots.get(i - 1).slot().number()) {
        throw new IllegalArgumentException("key slots (expected: ascending numbers)");
      }
    }
    if (passphrases(slots) > KeySlot.PASSPHRASES_MAX) {
      throw new IllegalArgumentException(
          "passphrase slots: "
              + passphrases(slots)
              + " (expected: <= "
              + KeySlot.PASSPHRASES_MAX
              + ")");
    }
    int overhead = NONCE_BYTES + TAG_BYTES;
    HexField.check(
        "keyring", keyring, overhead + KeyringRecord.BYTES_MIN, overhead + KeyringRecord.BYTES_MAX);
  }

  private static long passphrases(List<SlotRecord> slots) {
    return slots.stream().filter(slot -> slot.slot().kind() == SlotKind.PASSPHRASE).count();
  }

  /** What the sealing of the keyring is bound to: everything else but the checksum. */
  public static byte[] associatedData(
      String repositoryId, long generation, List<SlotRecord> slots) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("nbdvault keyring\0".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(JsonFields.encode(json(repositoryId, generation, slots)));
    return out.toByteArray();
  }

  /** The file's bytes. */
  public byte[] encode() {
    ObjectNode json = json(repositoryId, generation, slots).put("keyring", keyring);
    return JsonFields.encodePretty(json.put("checksum", checksum(json)));
  }

  /** Reads the file, or its copy. */
  public static KeysFile decode(byte[] file) throws MalformedRecordException {
    require(file.length <= BYTES_MAX, 0, "file length", file.length, "<= " + BYTES_MAX);
    JsonFields json = JsonFields.parse(file, 0, file.length);
    try {
      int version = json.smallNumber("keysVersion");
      require(version == VERSION, 0, "version of the keys", version, VERSION);
      List<SlotRecord> slots = new ArrayList<>();
      for (JsonNode slot : json.array("slots")) {
        slots.add(SlotRecord.of(new JsonFields(slot, "slots.")));
      }
      KeysFile read =
          new KeysFile(
              json.text("repositoryId"), json.number("generation"), slots, json.text("keyring"));
      ObjectNode expected = json(read.repositoryId, read.generation, slots);
      expected.put("keyring", read.keyring);
      expected.put("checksum", checksum(expected));
      if (!expected.get("checksum").equals(json.node().get("checksum"))) {
        throw new MalformedRecordException(0, "checksum of the keys");
      }
      require(json.node().size() == expected.size(), 0, "fields", json.node().size(), 6);
      return read;
    } catch (JsonFields.WrongFieldException | IllegalArgumentException | DateTimeException e) {
      throw new MalformedRecordException(0, "keys", e);
    }
  }

  private static ObjectNode json(String repositoryId, long generation, List<SlotRecord> slots) {
    ObjectNode json = JsonFields.newObject();
    json.put("keysVersion", VERSION);
    json.put("repositoryId", repositoryId);
    json.put("generation", generation);
    ArrayNode array = json.putArray("slots");
    slots.forEach(slot -> array.add(slot.json()));
    return json;
  }

  private static String checksum(ObjectNode json) {
    CRC32C crc = new CRC32C();
    crc.update(JsonFields.encode(json));
    return String.format("%08x", crc.getValue());
  }
}
