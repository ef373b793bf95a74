package io.nbdvault.chunkstore.fuzz;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.format.KeyringRecord;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * {@code | which (1) | keys.json |}, whose checksum may be made right, or {@code | which (1) |
 * keyring |}.
 */
public final class KeysTarget {
  private static final JsonMapper MAPPER = new JsonMapper();

  private KeysTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] rest = Expect.rest(input);
    try {
      switch (input[0] & 3) {
        case 0 -> file(rest);
        case 1 -> Expect.same(KeyringRecord.encode(KeyringRecord.decode(rest)), rest, "keyring");
        default -> file(checksummed(rest));
      }
    } catch (MalformedRecordException e) {
      Expect.sentence(e, rest.length);
    }
  }

  private static void file(byte[] bytes) throws MalformedRecordException {
    KeysFile file = KeysFile.decode(bytes);
    Expect.same(KeysFile.decode(file.encode()), file, "keys");
  }

  private static byte[] checksummed(byte[] bytes) {
    try {
      JsonNode json = MAPPER.readTree(bytes);
      if (!(json instanceof ObjectNode object)) {
        return bytes;
      }
      object.remove("checksum");
      CRC32C crc = new CRC32C();
      crc.update(MAPPER.writeValueAsBytes(object));
      object.put("checksum", HexFormat.of().toHexDigits((int) crc.getValue()));
      return MAPPER.writeValueAsBytes(object);
    } catch (IOException e) {
      return bytes;
    }
  }
}
