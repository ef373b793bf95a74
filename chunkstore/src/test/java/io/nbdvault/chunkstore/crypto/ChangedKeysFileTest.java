package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.PrivateKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** A {@code keys.json} that decayed, and one that somebody changed who knows the format. */
class ChangedKeysFileTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final KeyFile KEY_FILE = KeyFile.of(new byte[32]);
  private static final PrivateKey.Pair PAIR = PrivateKey.generate();
  private static final KeysFile KEYS =
      UnlockedKeys.create(
              "00112233445566778899aabbccddeeff",
              KEY_FILE,
              "timer",
              Instant.parse("2026-11-01T12:00:00Z"))
          .withSlot(Passphrase.of("x".toCharArray()), "admin", Instant.EPOCH)
          .withSlot(PAIR.recipient(), "safe", Instant.EPOCH)
          .file();

  @Test
  void isReadBackAsItWasWritten() throws MalformedRecordException {
    assertThat(KeysFile.decode(KEYS.encode())).isEqualTo(KEYS);
  }

  @Test
  void noticesEveryFlippedBitWithoutAnyKey() {
    byte[] file = KEYS.encode();
    for (int bit = 0; bit < 8 * file.length; bit++) {
      byte[] flipped = file.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertRefusedOrTheSame(flipped, "bit " + bit);
    }
  }

  @Test
  void noticesEveryLengthThatItIsCutTo() {
    byte[] file = KEYS.encode();
    for (int length = 0; length < file.length; length++) {
      assertRefusedOrTheSame(Arrays.copyOf(file, length), "length " + length);
    }
  }

  @Test
  void refusesWhatIsMissingTwiceUnknownOrTooMuch() throws IOException {
    for (String field : names((ObjectNode) JSON.readTree(KEYS.encode()))) {
      ObjectNode json = (ObjectNode) JSON.readTree(KEYS.encode());
      json.remove(field);
      byte[] file = field.equals("checksum") ? bytes(json) : checksummed(json);
      assertMalformed(() -> KeysFile.decode(file));
    }
    ObjectNode more = (ObjectNode) JSON.readTree(KEYS.encode());
    more.put("more", 1);
    assertMalformed(() -> KeysFile.decode(checksummed(more)));
    ObjectNode moreInSlot = (ObjectNode) JSON.readTree(KEYS.encode());
    ((ObjectNode) moreInSlot.at("/slots/1")).put("more", 1);
    assertMalformed(() -> KeysFile.decode(checksummed(moreInSlot)));
    String text = new String(KEYS.encode(), StandardCharsets.UTF_8);
    byte[] twice = text.replaceFirst("\\{", "{\"keysVersion\":1,").getBytes(StandardCharsets.UTF_8);
    assertMalformed(() -> KeysFile.decode(twice));
    byte[] large = (text + " ".repeat(KeysFile.BYTES_MAX)).getBytes(StandardCharsets.UTF_8);
    assertMalformed(() -> KeysFile.decode(large));
    assertMalformed(() -> KeysFile.decode("[]".getBytes(StandardCharsets.UTF_8)));
  }

  /** The checksum is made anew, as somebody would who changes the file on purpose. */
  @Test
  void noticesEveryChangedFieldOnceItIsUnlocked() throws IOException {
    List<String> refused = new ArrayList<>();
    JsonNode whole = JSON.readTree(KEYS.encode());
    for (String field : leaves(whole, "")) {
      for (JsonNode value : others(whole.at(field))) {
        ObjectNode changed = whole.deepCopy();
        int slash = field.lastIndexOf('/');
        JsonNode parent = changed.at(field.substring(0, slash));
        ((ObjectNode) parent).set(field.substring(slash + 1), value);
        byte[] file = checksummed(changed);
        assertThatThrownBy(() -> UnlockedKeys.unlock("/backup", KeysFile.decode(file), KEY_FILE))
            .as("%s: %s", field, value)
            .isInstanceOfAny(MalformedRecordException.class, StoreException.class);
      }
      refused.add(field);
    }
    assertThat(refused).hasSizeGreaterThan(20).contains("/slots/1/memoryKib", "/slots/2/label");
  }

  @Test
  void noticesASlotThatWasTakenAwayOrPutInAnothersPlace() throws Exception {
    for (int slot = 1; slot < 3; slot++) {
      ObjectNode json = (ObjectNode) JSON.readTree(KEYS.encode());
      ((ArrayNode) json.get("slots")).remove(slot);
      KeysFile changed = KeysFile.decode(checksummed(json));
      assertThatThrownBy(() -> UnlockedKeys.unlock("/backup", changed, KEY_FILE))
          .isInstanceOf(StoreException.class);
    }
  }

  @Test
  void asksForNoMoreMemoryOrTimeThanItsBounds() throws IOException {
    for (String wrong :
        List.of(
            "memoryKib:67108864",
            "memoryKib:131073",
            "memoryKib:31",
            "memoryKib:-1",
            "passes:17",
            "passes:0",
            "lanes:17",
            "lanes:0",
            "passes:2147483648")) {
      String[] parts = wrong.split(":", -1);
      ObjectNode json = (ObjectNode) JSON.readTree(KEYS.encode());
      ((ObjectNode) json.at("/slots/1")).put(parts[0], Long.parseLong(parts[1]));
      assertMalformed(() -> KeysFile.decode(checksummed(json)));
    }
  }

  @Test
  void refusesLabelsThatCannotBeWritten() throws IOException {
    String text = new String(KEYS.encode(), StandardCharsets.UTF_8);
    for (String label : List.of("\\ud800", "\\u0007", "x".repeat(65))) {
      byte[] file = text.replace("admin", label).getBytes(StandardCharsets.UTF_8);
      assertMalformed(() -> KeysFile.decode(file));
    }
  }

  private static void assertRefusedOrTheSame(byte[] file, String what) {
    try {
      assertThat(KeysFile.decode(file)).as(what).isEqualTo(KEYS);
    } catch (MalformedRecordException e) {
      assertThat(e).hasMessageContaining("(at byte ");
    }
  }

  private static void assertMalformed(ThrowingCallable decoding) {
    assertThatThrownBy(decoding).isInstanceOf(MalformedRecordException.class);
  }

  private static byte[] checksummed(ObjectNode json) {
    json.remove("checksum");
    CRC32C crc = new CRC32C();
    crc.update(bytes(json));
    return bytes(json.put("checksum", String.format("%08x", crc.getValue())));
  }

  private static byte[] bytes(ObjectNode json) {
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static List<String> leaves(JsonNode node, String path) {
    if (node.isValueNode()) {
      return path.equals("/checksum") ? List.of() : List.of(path);
    }
    List<String> found = new ArrayList<>();
    for (int i = 0; i < node.size() && node.isArray(); i++) {
      found.addAll(leaves(node.get(i), path + "/" + i));
    }
    if (node.isObject()) {
      names((ObjectNode) node).forEach(n -> found.addAll(leaves(node.get(n), path + "/" + n)));
    }
    return found;
  }

  private static List<String> names(ObjectNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** Values that are nearly the right one, the first and the last place changed. */
  private static List<JsonNode> others(JsonNode value) {
    if (value.isNumber()) {
      return List.of(
          JSON.valueToTree(value.intValue() + 1), JSON.valueToTree(value.intValue() - 1));
    }
    String text = value.textValue();
    String last = text.substring(0, text.length() - 1);
    return List.of(
        JSON.valueToTree(other(text.charAt(0)) + text.substring(1)),
        JSON.valueToTree(last + other(text.charAt(text.length() - 1))),
        JSON.valueToTree(last),
        JSON.valueToTree(text + "0"));
  }

  private static char other(char digit) {
    return digit == '0' ? '1' : '0';
  }
}
