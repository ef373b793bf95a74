package io.nbdvault.cli.render;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;

/** Writes one JSON object a line. Each line is flushed, so that a reader can act on it at once. */
public final class JsonLines {
  /** Version of all that {@code docs/JSON.md} describes. */
  public static final int VERSION = 1;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final PrintStream out;

  public JsonLines(PrintStream out) {
    this.out = out;
  }

  /** A new object of that kind, with its version. */
  public static ObjectNode event(String name) {
    return JsonNodeFactory.instance.objectNode().put("v", VERSION).put("event", name);
  }

  /** A new object that tells how a command failed. */
  public static ObjectNode error(int exitCode, String message) {
    return event("error").put("code", exitCode).put("message", message);
  }

  /** Writes an object. Any thread; lines are never mixed. */
  public void write(ObjectNode object) {
    try {
      // One call, so that a line is whole, whoever else prints.
      String line = MAPPER.writeValueAsString(object) + "\n";
      synchronized (this) {
        out.print(line);
        out.flush();
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes cannot be written", e);
    }
  }
}
