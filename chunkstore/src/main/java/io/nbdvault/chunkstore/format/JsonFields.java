package io.nbdvault.chunkstore.format;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * A JSON object whose fields are read by name and type. Everything is spelled out by hand, so that
 * a change of a class never changes what is stored.
 *
 * @param node the object
 * @param path where it stands in the whole, for messages
 */
record JsonFields(JsonNode node, String path) {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final ObjectReader READER = MAPPER.reader();
  private static final ObjectWriter WRITER = MAPPER.writer();
  private static final ObjectWriter PRETTY_WRITER = MAPPER.writerWithDefaultPrettyPrinter();

  /** Thrown where a field is missing or has another type; the decoders turn it into theirs. */
  static final class WrongFieldException extends RuntimeException {
    private static final long serialVersionUID = 1;

    WrongFieldException(String message) {
      super(message);
    }
  }

  static JsonFields parse(byte[] json, int offset, int length) throws MalformedRecordException {
    try {
      JsonNode node = READER.readTree(json, offset, length);
      if (node == null || !node.isObject()) {
        throw new MalformedRecordException(offset, "JSON: not an object");
      }
      return new JsonFields(node, "");
    } catch (IOException e) {
      throw new MalformedRecordException(offset, "JSON", e);
    }
  }

  static ObjectNode newObject() {
    return MAPPER.createObjectNode();
  }

  static byte[] encode(ObjectNode object) {
    return encode(object, WRITER);
  }

  static byte[] encodePretty(ObjectNode object) {
    return encode(object, PRETTY_WRITER);
  }

  private static byte[] encode(ObjectNode object, ObjectWriter writer) {
    try {
      return writer.writeValueAsBytes(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String text(String name) {
    JsonNode value = required(name);
    if (!value.isTextual()) {
      throw wrong(name, "a string");
    }
    return value.textValue();
  }

  Optional<String> optionalText(String name) {
    return has(name) ? Optional.of(text(name)) : Optional.empty();
  }

  long number(String name) {
    JsonNode value = required(name);
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw wrong(name, "a whole number of at most 64 bits");
    }
    return value.longValue();
  }

  int smallNumber(String name) {
    JsonNode value = required(name);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(name, "a whole number of at most 32 bits");
    }
    return value.intValue();
  }

  boolean truth(String name) {
    JsonNode value = required(name);
    if (!value.isBoolean()) {
      throw wrong(name, "true or false");
    }
    return value.booleanValue();
  }

  JsonFields object(String name) {
    JsonNode value = required(name);
    if (!value.isObject()) {
      throw wrong(name, "an object");
    }
    return new JsonFields(value, path + name + ".");
  }

  JsonNode array(String name) {
    JsonNode value = required(name);
    if (!value.isArray()) {
      throw wrong(name, "an array");
    }
    return value;
  }

  boolean has(String name) {
    return node.has(name);
  }

  private JsonNode required(String name) {
    JsonNode value = node.get(name);
    if (value == null) {
      throw wrong(name, "to be there");
    }
    return value;
  }

  private WrongFieldException wrong(String name, String expected) {
    return new WrongFieldException("JSON field " + path + name + " (expected: " + expected + ")");
  }
}
