package io.nbdvault.chunkstore.format;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.key.KeySlot;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * A key slot: one way to get at the wrapping key.
 *
 * @param slot what everybody may know
 * @param parameters what its key needs
 * @param sealed the wrapping key, sealed by the slot's key, as hex digits
 */
public record SlotRecord(KeySlot slot, SlotParameters parameters, String sealed) {
  /** Checks that the parts go together. */
  public SlotRecord {
    if (slot.kind() != parameters.kind()) {
      throw new IllegalArgumentException(
          "kind of key slot: " + slot.kind() + " (expected: " + parameters.kind() + ")");
    }
    HexField.check("sealed key of slot " + slot.number(), sealed, parameters.sealedBytes());
  }

  /** What the sealing of a slot's key is bound to: its repository, and all of the slot but that. */
  public static byte[] associatedData(
      String repositoryId, KeySlot slot, SlotParameters parameters) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(("nbdvault slot " + repositoryId + "\0").getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(JsonFields.encode(json(slot, parameters)));
    return out.toByteArray();
  }

  ObjectNode json() {
    return json(slot, parameters).put("sealed", sealed);
  }

  private static ObjectNode json(KeySlot slot, SlotParameters parameters) {
    ObjectNode json = JsonFields.newObject();
    json.put("number", slot.number());
    json.put("kind", slot.kind().toString());
    json.put("label", slot.label());
    json.put("created", slot.created().toString());
    parameters.putInto(json);
    return json;
  }

  static SlotRecord of(JsonFields json) {
    SlotParameters parameters = SlotParameters.of(json);
    KeySlot slot =
        new KeySlot(
            json.smallNumber("number"),
            parameters.kind(),
            json.text("label"),
            Instant.parse(json.text("created")));
    SlotRecord record = new SlotRecord(slot, parameters, json.text("sealed"));
    // Finds unknown fields too: what is read must be what would be written.
    if (!record.json().equals(json.node())) {
      throw new IllegalArgumentException("key slot " + slot.number() + " has an unknown field");
    }
    return record;
  }
}
