package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpProtocolException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads members of QEMU's answers, and names the one that is missing or of another type. */
final class Fields {
  /** Turns one JSON value into a record. */
  interface Parser<T> {
    T parse(JsonNode json) throws QmpException;
  }

  private Fields() {}

  static String text(JsonNode json, String name) throws QmpProtocolException {
    JsonNode value = json.path(name);
    if (!value.isTextual()) {
      throw wrong(json, name, "a string");
    }
    return value.asText();
  }

  static @Nullable String textOrNull(JsonNode json, String name) {
    JsonNode value = json.path(name);
    return value.isTextual() ? value.asText() : null;
  }

  static long number(JsonNode json, String name) throws QmpProtocolException {
    JsonNode value = json.path(name);
    if (!value.isIntegralNumber()) {
      throw wrong(json, name, "an integer");
    }
    return value.asLong();
  }

  static boolean flag(JsonNode json, String name) throws QmpProtocolException {
    JsonNode value = json.path(name);
    if (!value.isBoolean()) {
      throw wrong(json, name, "a boolean");
    }
    return value.asBoolean();
  }

  /** Parses an array; a missing one is empty, since QEMU leaves empty optional arrays out. */
  static <T> List<T> list(JsonNode array, Parser<T> parser) throws QmpException {
    if (!array.isArray() && !array.isMissingNode()) {
      throw new QmpProtocolException("answer: not an array");
    }
    List<T> parsed = new ArrayList<>();
    for (JsonNode element : array) {
      parsed.add(checked(element, parser));
    }
    return List.copyOf(parsed);
  }

  /** A record that refuses its values means that the peer sent nonsense, not that we have a bug. */
  static <T> T checked(JsonNode json, Parser<T> parser) throws QmpException {
    try {
      return parser.parse(json);
    } catch (IllegalArgumentException e) {
      throw new QmpProtocolException("answer: " + e.getMessage(), e);
    }
  }

  private static QmpProtocolException wrong(JsonNode json, String name, String expected) {
    return new QmpProtocolException(
        "answer: " + name + ": " + json.path(name) + " (expected: " + expected + ")");
  }
}
