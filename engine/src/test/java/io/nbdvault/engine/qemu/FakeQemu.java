package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.qmp.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * What a QEMU says while disks are moved, for failures that a real one has when nobody asks for
 * them: a block graph, mirrors that are ready after some looks, and a log of all commands.
 */
final class FakeQemu implements ScriptedServer.Script {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final long SIZE = 1 << 20;
  private static final int CHILDREN_MAX = 8;

  private final Map<String, Node> nodes = new LinkedHashMap<>();
  private final Map<String, String> devices = new LinkedHashMap<>();
  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private final Map<String, Failure> failures = new LinkedHashMap<>();
  private final List<String> log = new CopyOnWriteArrayList<>();
  private final String version;

  private record Node(String driver, String file, List<String> children) {}

  /** How a mirror of a node fails: before it is ready, or when it is to complete. */
  private record Failure(String operation, String error, boolean onComplete) {}

  private static final class Job {
    final String device;
    final String target;
    String status = "running";
    @Nullable String error;
    int looks;

    Job(String device, String target) {
      this.device = device;
      this.target = target;
    }
  }

  /** Of this version, as {@code 7.2}. */
  FakeQemu(String version) {
    this.version = version;
  }

  /** A disk on an overlay of an NBD export; its nodes are {@code NAME-top} and so on. */
  synchronized FakeQemu servedDisk(String name) {
    nodes.put(name + "-top", new Node("qcow2", name, List.of(name + "-file", name + "-nbd")));
    nodes.put(name + "-file", new Node("file", "/vm/" + name + ".qcow2", List.of()));
    nodes.put(name + "-nbd", new Node("nbd", "nbd+unix://", List.of()));
    devices.put(name, name + "-top");
    return this;
  }

  /** A node on a file. */
  synchronized FakeQemu node(String disk, String fileNode, Path file) {
    nodes.put(disk, new Node("raw", file.toString(), List.of(fileNode)));
    nodes.put(fileNode, new Node("file", file.toString(), List.of()));
    return this;
  }

  /** Puts a device on another node. */
  synchronized FakeQemu attach(String device, String node) {
    devices.put(device, node);
    return this;
  }

  /** A job that somebody has left. */
  synchronized FakeQemu job(String id, String device, String target) {
    jobs.put(id, new Job(device, target));
    return this;
  }

  synchronized FakeQemu failsToCopy(String disk, String operation, String error) {
    failures.put(disk + "-top", new Failure(operation, error, false));
    return this;
  }

  synchronized FakeQemu failsToComplete(String disk, String error) {
    failures.put(disk + "-top", new Failure("write", error, true));
    return this;
  }

  /** The commands so far that change anything, each with the name of what it is about. */
  List<String> log() {
    return List.copyOf(log);
  }

  synchronized List<String> nodes() {
    return List.copyOf(nodes.keySet());
  }

  synchronized List<String> jobs() {
    return List.copyOf(jobs.keySet());
  }

  synchronized String nodeOf(String device) {
    return Objects.requireNonNull(devices.get(device));
  }

  @Override
  public void run(ScriptedServer.Connection client) throws IOException {
    String[] numbers = version.split("\\.", -1);
    client.send(
        json(
            "{'QMP': {'version': {'qemu': {'major': "
                + numbers[0]
                + ", 'minor': "
                + numbers[1]
                + ", 'micro': 0}, 'package': ''}, 'capabilities': []}}\r\n"));
    while (true) {
      JsonNode request = MAPPER.readTree(client.readLine());
      ObjectNode reply = JsonNodeFactory.instance.objectNode();
      try {
        reply.set("return", answer(client, request));
      } catch (IllegalStateException refused) {
        reply
            .putObject("error")
            .put("class", "GenericError")
            .put("desc", String.valueOf(refused.getMessage()));
      }
      reply.set("id", request.path("id"));
      client.send(MAPPER.writeValueAsString(reply) + "\r\n");
    }
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  private synchronized JsonNode answer(ScriptedServer.Connection client, JsonNode request)
      throws IOException {
    JsonNode arguments = request.path("arguments");
    return switch (request.path("execute").asText()) {
      case "query-block" -> queryBlock();
      case "query-named-block-nodes" -> queryNodes();
      case "x-debug-query-block-graph" -> graph();
      case "query-block-jobs" -> queryBlockJobs(client);
      case "query-jobs" -> queryJobs();
      case "query-block-exports", "qom-list" -> MAPPER.createArrayNode();
      case "query-qmp-schema" ->
          MAPPER.readTree(json("[{'name': 'quit', 'meta-type': 'command', 'arg-type': '0'}]"));
      case "qmp_capabilities" -> MAPPER.createObjectNode();
      default -> change(request.path("execute").asText(), arguments);
    };
  }

  private JsonNode change(String command, JsonNode arguments) {
    String about = arguments.path("id").asText(arguments.path("node-name").asText());
    about = about.isEmpty() ? arguments.path("job-id").asText() : about;
    about = about.isEmpty() ? arguments.path("device").asText() : about;
    log.add(command + " " + about);
    switch (command) {
      case "blockdev-add" -> {
        JsonNode file = arguments.path("file");
        Path path = Path.of(file.path("filename").asText());
        node(about, file.path("node-name").asText(), path);
      }
      case "blockdev-mirror" ->
          jobs.put(
              about, new Job(arguments.path("device").asText(), arguments.path("target").asText()));
      case "job-complete" -> complete(job(about));
      case "job-cancel", "block-job-cancel" -> cancel(job(about));
      case "job-dismiss" -> jobs.remove(about);
      case "blockdev-del" -> delete(about);
      default -> throw new IllegalStateException("The command " + command + " has not been found");
    }
    return MAPPER.createObjectNode();
  }

  private Job job(String id) {
    Job job = jobs.get(id);
    if (job == null) {
      throw new IllegalStateException("Job not found");
    }
    return job;
  }

  private void complete(Job job) {
    if (!job.status.equals("ready")) {
      throw new IllegalStateException("Job in state '" + job.status + "' cannot complete");
    }
    Failure failure = failures.get(job.device);
    job.status = "concluded";
    if (failure != null) {
      job.error = failure.error();
    } else {
      devices.replaceAll((device, node) -> node.equals(job.device) ? job.target : node);
    }
  }

  private static void cancel(Job job) {
    if (job.status.equals("concluded")) {
      throw new IllegalStateException("Job in state 'concluded' cannot accept command verb");
    }
    job.status = "concluded";
    job.error = "Operation canceled";
  }

  private void delete(String name) {
    boolean inUse =
        devices.containsValue(name)
            || nodes.values().stream().anyMatch(node -> node.children().contains(name))
            || jobs.values().stream().anyMatch(j -> j.target.equals(name));
    Node node = nodes.get(name);
    if (node == null || inUse) {
      throw new IllegalStateException("Node " + name + " is in use or not there");
    }
    nodes.remove(name);
    // A disk's own file goes with it; the NBD node was added by itself.
    node.children().stream().filter(child -> !child.endsWith("-nbd")).forEach(nodes::remove);
  }

  private ArrayNode queryBlock() {
    ArrayNode answer = MAPPER.createArrayNode();
    devices.forEach(
        (name, node) ->
            answer
                .addObject()
                .put("device", "")
                .put("qdev", "/machine/peripheral/" + name + "/virtio-backend")
                .put("type", "unknown")
                .put("removable", false)
                .put("locked", false)
                .set("inserted", describe(node)));
    return answer;
  }

  private ArrayNode queryNodes() {
    ArrayNode answer = MAPPER.createArrayNode();
    nodes.keySet().forEach(name -> answer.add(describe(name)));
    return answer;
  }

  private ObjectNode describe(String name) {
    Node node = Objects.requireNonNull(nodes.get(name));
    ObjectNode json =
        MAPPER
            .createObjectNode()
            .put("node-name", name)
            .put("drv", node.driver())
            .put("ro", false)
            .put("file", node.file());
    json.putObject("image")
        .put("filename", node.file())
        .put("format", node.driver())
        .put("virtual-size", SIZE);
    return json;
  }

  private ObjectNode graph() {
    ObjectNode answer = MAPPER.createObjectNode();
    ArrayNode vertices = answer.putArray("nodes");
    ArrayNode edges = answer.putArray("edges");
    List<String> names = new ArrayList<>(nodes.keySet());
    for (String name : names) {
      int id = names.indexOf(name);
      vertices.addObject().put("id", id).put("type", "block-driver").put("name", name);
      for (String child : Objects.requireNonNull(nodes.get(name)).children()) {
        if (names.contains(child)) {
          String role = child.endsWith("-nbd") ? "backing" : "file";
          edges.addObject().put("parent", id).put("child", names.indexOf(child)).put("name", role);
        }
      }
    }
    int id = names.size() + CHILDREN_MAX;
    for (Map.Entry<String, String> device : devices.entrySet()) {
      vertices.addObject().put("id", ++id).put("type", "block-backend").put("name", "");
      edges
          .addObject()
          .put("parent", id)
          .put("child", names.indexOf(device.getValue()))
          .put("name", "root");
    }
    return answer;
  }

  /** Each look brings a job further; the third finds it ready. */
  private ArrayNode queryBlockJobs(ScriptedServer.Connection client) throws IOException {
    ArrayNode answer = MAPPER.createArrayNode();
    for (Map.Entry<String, Job> entry : jobs.entrySet()) {
      Job job = entry.getValue();
      Failure failure = failures.get(job.device);
      job.looks++;
      if (job.looks == 2 && failure != null && !failure.onComplete()) {
        job.status = "concluded";
        job.error = failure.error();
        client.send(blockJobError(entry.getKey(), failure.operation()));
      } else if (job.looks >= 3 && job.status.equals("running")) {
        job.status = "ready";
      }
      answer.add(describe(entry.getKey(), job));
    }
    return answer;
  }

  private static String blockJobError(String id, String operation) {
    return json(
            "{'event': 'BLOCK_JOB_ERROR', 'data': {'device': '"
                + id
                + "', 'operation': '"
                + operation
                + "', 'action': 'report'},"
                + " 'timestamp': {'seconds': 1, 'microseconds': 2}}")
        + "\r\n";
  }

  private static ObjectNode describe(String id, Job job) {
    ObjectNode json =
        MAPPER
            .createObjectNode()
            .put("device", id)
            .put("type", "mirror")
            .put("status", job.status)
            .put("offset", Math.min(SIZE, job.looks * SIZE / 3))
            .put("len", SIZE)
            .put("speed", 0)
            .put("busy", false)
            .put("paused", false)
            .put("ready", job.status.equals("ready"))
            .put("io-status", "ok");
    return job.error == null ? json : json.put("error", job.error);
  }

  private ArrayNode queryJobs() {
    ArrayNode answer = MAPPER.createArrayNode();
    jobs.forEach(
        (id, job) -> {
          ObjectNode json =
              answer
                  .addObject()
                  .put("id", id)
                  .put("type", "mirror")
                  .put("status", job.status)
                  .put("current-progress", 0)
                  .put("total-progress", SIZE);
          if (job.error != null) {
            json.put("error", job.error);
          }
        });
    return answer;
  }
}
