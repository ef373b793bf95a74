package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code XDbgBlockGraph} (since 4.0, an unstable command): who is attached to whom. {@code
 * query-named-block-nodes} does not say which node lies beneath a filter; this does.
 *
 * @param vertices nodes, devices ({@code block-backend}) and jobs ({@code block-job})
 * @param edges from parent to child
 */
public record BlockGraph(List<Vertex> vertices, List<Edge> edges) {
  public BlockGraph {
    vertices = List.copyOf(vertices);
    edges = List.copyOf(edges);
  }

  /**
   * A vertex.
   *
   * @param id number within this answer
   * @param type {@code block-driver}, {@code block-backend} or {@code block-job}
   * @param name node name, device's QOM path or id, or job id
   */
  public record Vertex(long id, String type, String name) {}

  /**
   * An edge.
   *
   * @param parent vertex id
   * @param child vertex id
   * @param role {@code file}, {@code backing}, {@code root}, …
   */
  public record Edge(long parent, long child, String role) {}

  /** Returns the node that is the parent's child in the given role. */
  public Optional<String> child(String parentNode, String role) {
    return vertices.stream()
        .filter(v -> v.type().equals("block-driver") && v.name().equals(parentNode))
        .flatMap(v -> edges.stream().filter(e -> e.parent() == v.id() && e.role().equals(role)))
        .flatMap(e -> vertices.stream().filter(v -> v.id() == e.child()))
        .map(Vertex::name)
        .findFirst();
  }

  /** Returns a node and all nodes beneath it, the node itself first. */
  public List<String> withDescendants(String node) {
    Map<Long, Vertex> found = new LinkedHashMap<>();
    Deque<Vertex> open = new ArrayDeque<>(nodes(node));
    while (!open.isEmpty()) {
      Vertex parent = open.remove();
      if (found.putIfAbsent(parent.id(), parent) != null) {
        continue;
      }
      edges.stream()
          .filter(e -> e.parent() == parent.id())
          .flatMap(e -> vertices.stream().filter(v -> v.id() == e.child()))
          .forEach(open::add);
    }
    return found.values().stream().map(Vertex::name).toList();
  }

  /** Returns whether anything is above the node: a device, a job, an export or another node. */
  public boolean isUsed(String node) {
    return nodes(node).stream().anyMatch(v -> edges.stream().anyMatch(e -> e.child() == v.id()));
  }

  private List<Vertex> nodes(String name) {
    return vertices.stream()
        .filter(v -> v.type().equals("block-driver") && v.name().equals(name))
        .toList();
  }

  static BlockGraph parse(JsonNode json) throws QmpException {
    return new BlockGraph(
        Fields.list(
            json.path("nodes"),
            v ->
                new Vertex(Fields.number(v, "id"), Fields.text(v, "type"), Fields.text(v, "name"))),
        Fields.list(
            json.path("edges"),
            e ->
                new Edge(
                    Fields.number(e, "parent"),
                    Fields.number(e, "child"),
                    Fields.text(e, "name"))));
  }
}
