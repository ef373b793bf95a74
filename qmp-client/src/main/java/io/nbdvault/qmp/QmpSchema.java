package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What a QEMU can do, by {@code query-qmp-schema} (since 2.5; docs/devel/qapi-code-gen,
 * "introspection"). Types have opaque names there and are reached from commands only.
 */
public final class QmpSchema {
  private final Map<String, JsonNode> commands = new HashMap<>();
  private final Map<String, JsonNode> events = new HashMap<>();
  private final Map<String, JsonNode> types = new HashMap<>();

  private QmpSchema(JsonNode entities) {
    for (JsonNode entity : entities) {
      Map<String, JsonNode> kind =
          switch (entity.path("meta-type").asText()) {
            case "command" -> commands;
            case "event" -> events;
            default -> types;
          };
      kind.put(entity.path("name").asText(), entity);
    }
  }

  /** Asks the peer for its schema: an answer of some hundred KiB. */
  public static QmpSchema query(QmpClient client) throws QmpException {
    JsonNode entities = client.execute("query-qmp-schema");
    if (!entities.isArray() || entities.isEmpty()) {
      throw new QmpProtocolException("query-qmp-schema: no array of entities");
    }
    return new QmpSchema(entities);
  }

  /** Returns whether the command exists. */
  public boolean hasCommand(String command) {
    return commands.containsKey(command);
  }

  /** Returns whether the event exists. */
  public boolean hasEvent(String event) {
    return events.containsKey(event);
  }

  /**
   * Returns whether a command takes an argument, in any variant of a union or alternate.
   *
   * @param dottedPath the argument and members within it; {@code "bitmaps.node"} and {@code
   *     "bitmaps", "node"} are the same
   */
  public boolean hasArgument(String command, String... dottedPath) {
    JsonNode entity = commands.get(command);
    if (entity == null) {
      return false;
    }
    Set<String> reached = Set.of(entity.path("arg-type").asText());
    for (String member : String.join(".", dottedPath).split("\\.", -1)) {
      reached = step(reached, member);
    }
    return !reached.isEmpty();
  }

  /** Returns whether {@code blockdev-add} takes the driver. */
  public boolean hasBlockDriver(String driver) {
    JsonNode entity = commands.get("blockdev-add");
    if (entity == null) {
      return false;
    }
    for (String type : step(Set.of(entity.path("arg-type").asText()), "driver")) {
      for (JsonNode value : typeOf(type).path("values")) {
        if (value.asText().equals(driver)) {
          return true;
        }
      }
    }
    return false;
  }

  /** The types of the named member in any of the given types. */
  private Set<String> step(Set<String> from, String member) {
    Set<String> found = new HashSet<>();
    for (String type : structsWithin(from)) {
      for (JsonNode candidate : typeOf(type).path("members")) {
        if (candidate.path("name").asText().equals(member)) {
          found.add(candidate.path("type").asText());
        }
      }
    }
    return found;
  }

  /**
   * Follows arrays, alternates and variants; types may refer to themselves, as BlockdevRef does.
   */
  private Set<String> structsWithin(Set<String> from) {
    Set<String> seen = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(from);
    while (!open.isEmpty()) {
      String type = open.pop();
      if (!seen.add(type)) {
        continue;
      }
      JsonNode entity = typeOf(type);
      switch (entity.path("meta-type").asText()) {
        case "array" -> open.push(entity.path("element-type").asText());
        case "alternate" -> entity.path("members").forEach(m -> open.push(m.path("type").asText()));
        case "object" -> entity.path("variants").forEach(v -> open.push(v.path("type").asText()));
        default -> {}
      }
    }
    return seen;
  }

  private JsonNode typeOf(String type) {
    JsonNode entity = types.get(type);
    return entity == null ? MissingNode.getInstance() : entity;
  }
}
