package io.nbdvault.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.engine.Cancellation;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A command that has run in this process: how it ended and what it printed. */
record TestRun(int code, String out, String err) {
  static TestRun of(String... args) {
    return with(Map.of(), args);
  }

  static TestRun with(Map<String, String> environment, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code = Main.run(surroundings(out, err, environment), args);
    return new TestRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  static Surroundings surroundings(
      ByteArrayOutputStream out, ByteArrayOutputStream err, Map<String, String> environment) {
    return new Surroundings(
        new PrintStream(out, false, StandardCharsets.UTF_8),
        new PrintStream(err, false, StandardCharsets.UTF_8),
        false,
        environment,
        ZoneOffset.UTC,
        new Cancellation());
  }

  List<JsonNode> json() throws IOException {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : out.lines().toList()) {
      nodes.add(new ObjectMapper().readTree(line));
    }
    return nodes;
  }

  /** The only object of that kind. */
  JsonNode event(String name) throws IOException {
    List<JsonNode> found =
        json().stream().filter(node -> node.path("event").asText().equals(name)).toList();
    if (found.size() != 1) {
      throw new AssertionError(name + ": " + found.size() + " (expected: 1) in " + out);
    }
    return found.get(0);
  }
}
