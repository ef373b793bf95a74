package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpGreeting;
import io.nbdvault.qmp.QmpSchema;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The commands that a backup needs, each one round trip on the session it was given. Errors are
 * those of {@link QmpClient#execute(String, ObjectNode)}; QEMU's refusal is a {@link
 * io.nbdvault.qmp.QmpCommandException}. Safe for use by several threads.
 */
public final class BlockCommands {
  private static final String NO_UUID = "00000000-0000-0000-0000-000000000000";

  private final QmpClient client;
  private volatile @Nullable QmpSchema schema;

  public BlockCommands(QmpClient client) {
    this.client = client;
  }

  /** Returns the peer's schema, asked for once. */
  public QmpSchema schema() throws QmpException {
    QmpSchema known = schema;
    if (known == null) {
      known = QmpSchema.query(client);
      schema = known;
    }
    return known;
  }

  /**
   * Returns whether a command takes an argument. Releases of QEMU after the one that brought it do;
   * only others, to which somebody may have added it, are asked for their schema, which takes long.
   *
   * @param dottedPath as in {@link QmpSchema#hasArgument}
   * @param major the first number of the release that brought the argument
   * @param minor its second number
   */
  public boolean takes(String command, String dottedPath, int major, int minor)
      throws QmpException {
    return client.greeting().isAtLeast(major, minor) || schema().hasArgument(command, dottedPath);
  }

  /**
   * {@code query-block} (since 0.14): the devices. During a backup the inserted node is the job's
   * filter. Always empty for {@code qemu-storage-daemon}.
   */
  public List<BlockDevice> queryBlock() throws QmpException {
    return Fields.list(client.execute("query-block"), BlockDevice::parse);
  }

  /** {@code query-named-block-nodes} (since 2.0): every node, with its backing chain. */
  public List<BlockNode> queryNamedBlockNodes() throws QmpException {
    return Fields.list(client.execute("query-named-block-nodes"), BlockNode::parse);
  }

  /** Returns the node of that name, of {@link #queryNamedBlockNodes}. */
  public Optional<BlockNode> findNode(String nodeName) throws QmpException {
    return queryNamedBlockNodes().stream()
        .filter(node -> node.nodeName().equals(nodeName))
        .findFirst();
  }

  /** {@code x-debug-query-block-graph} (since 4.0, unstable): see {@link BlockGraph}. */
  public BlockGraph queryBlockGraph() throws QmpException {
    return BlockGraph.parse(client.execute("x-debug-query-block-graph"));
  }

  /** {@code query-block-jobs} (since 1.1): block jobs that are not yet dismissed. */
  public List<BlockJob> queryBlockJobs() throws QmpException {
    return Fields.list(client.execute("query-block-jobs"), BlockJob::parse);
  }

  /** {@code query-jobs} (since 3.0): jobs of every kind that are not yet dismissed. */
  public List<JobInfo> queryJobs() throws QmpException {
    return Fields.list(client.execute("query-jobs"), JobInfo::parse);
  }

  /**
   * {@code blockdev-add} (since 2.9), with {@code driver} and {@code node-name} among the options.
   */
  public void blockdevAdd(ObjectNode options) throws QmpException {
    run("blockdev-add", options);
  }

  /** {@code blockdev-del} (since 2.9); refused while anything uses the node. */
  public void blockdevDel(String node) throws QmpException {
    run("blockdev-del", object().put("node-name", node));
  }

  /** {@code transaction} (since 1.1): the actions in this order, at one instant, all or none. */
  public void transaction(List<TransactionAction> actions) throws QmpException {
    ObjectNode arguments = object();
    ArrayNode array = arguments.putArray("actions");
    actions.forEach(action -> array.add(action.toJson()));
    run("transaction", arguments);
  }

  /**
   * {@code job-cancel} (since 3.0): asks the job to stop and returns at once; it is gone when a
   * query does not show it any more, or JOB_STATUS_CHANGE says {@code null}.
   */
  public void jobCancel(String id) throws QmpException {
    run("job-cancel", object().put("id", id));
  }

  /** {@code blockdev-mirror} (since 2.6). */
  public void blockdevMirror(BlockdevMirror mirror) throws QmpException {
    run("blockdev-mirror", mirror.arguments());
  }

  /**
   * {@code job-complete} (since 3.0): has a mirror that is ready put its target in the source's
   * place, and returns at once; the job's end says whether it did.
   */
  public void jobComplete(String id) throws QmpException {
    run("job-complete", object().put("id", id));
  }

  /**
   * Asks a mirror to stop without a last effort, also one that is ready: {@code job-cancel} does so
   * since 6.2; before, it is {@code block-job-cancel} with {@code force} (since 1.3, and deprecated
   * since 9.1).
   */
  public void mirrorCancel(String id) throws QmpException {
    if (client.greeting().isAtLeast(6, 2)) {
      jobCancel(id);
    } else {
      run("block-job-cancel", object().put("device", id).put("force", true));
    }
  }

  /** {@code job-dismiss} (since 3.0): forgets a concluded job that does not go by itself. */
  public void jobDismiss(String id) throws QmpException {
    run("job-dismiss", object().put("id", id));
  }

  /** {@code block-dirty-bitmap-add} (since 2.4). */
  public void dirtyBitmapAdd(DirtyBitmapAdd bitmap) throws QmpException {
    run("block-dirty-bitmap-add", bitmap.arguments());
  }

  /** {@code block-dirty-bitmap-add} (since 2.4); see {@link DirtyBitmapAdd} for the bounds. */
  public void dirtyBitmapAdd(
      String node, String name, long granularityBytes, boolean persistent, boolean disabled)
      throws QmpException {
    dirtyBitmapAdd(new DirtyBitmapAdd(node, name, granularityBytes, persistent, disabled));
  }

  /**
   * {@code block-dirty-bitmap-remove} (since 2.4): also from the image where it is persistent;
   * works on inconsistent bitmaps, and not on busy ones.
   */
  public void dirtyBitmapRemove(String node, String name) throws QmpException {
    run("block-dirty-bitmap-remove", new DirtyBitmapRemove(node, name).arguments());
  }

  /** {@code block-dirty-bitmap-merge} (since 4.0). */
  public void dirtyBitmapMerge(String node, String target, List<String> sources)
      throws QmpException {
    run("block-dirty-bitmap-merge", new DirtyBitmapMerge(node, target, sources).arguments());
  }

  /**
   * {@code nbd-server-start} (since 1.3) on a Unix domain socket, which QEMU creates. There is one
   * server per process: a second start is refused with "already running".
   */
  public void nbdServerStart(Path unixSocket) throws QmpException {
    ObjectNode address = object().put("type", "unix");
    address.set("data", object().put("path", unixSocket.toString()));
    ObjectNode arguments = object();
    arguments.set("addr", address);
    run("nbd-server-start", arguments);
  }

  /** {@code nbd-server-stop} (since 1.3): also drops every NBD export, whoever added it. */
  public void nbdServerStop() throws QmpException {
    run("nbd-server-stop", null);
  }

  /** {@code query-block-exports} (since 5.2): exports of every type. */
  public List<BlockExport> queryBlockExports() throws QmpException {
    return Fields.list(client.execute("query-block-exports"), BlockExport::parse);
  }

  /**
   * {@code block-export-add} (since 5.2) for NBD. Bitmaps are named with their node where the
   * schema has it (7.1).
   */
  public void blockExportAddNbd(BlockExportRequest request) throws QmpException {
    boolean bitmapsByNode =
        !request.bitmaps().isEmpty() && takes("block-export-add", "bitmaps.node", 7, 1);
    run("block-export-add", request.toJson(bitmapsByNode));
  }

  /**
   * {@code block-export-del} (since 5.2). The export is gone with the event BLOCK_EXPORT_DELETED.
   *
   * @param hard whether to cut off clients, rather than be refused while there are some
   */
  public void blockExportDel(String id, boolean hard) throws QmpException {
    run("block-export-del", object().put("id", id).put("mode", hard ? "hard" : "safe"));
  }

  /** {@code object-add} (since 2.0), with {@code qom-type} and {@code id} among the options. */
  public void objectAdd(ObjectNode options) throws QmpException {
    run("object-add", options);
  }

  /** {@code object-del} (since 2.0). */
  public void objectDel(String id) throws QmpException {
    run("object-del", object().put("id", id));
  }

  /** {@code qom-list} (since 1.2): the properties of the object at an absolute path. */
  public List<QomProperty> qomList(String path) throws QmpException {
    return Fields.list(
        client.execute("qom-list", object().put("path", path)),
        property -> new QomProperty(Fields.text(property, "name"), Fields.text(property, "type")));
  }

  /** {@code qom-get} (since 1.2). */
  public JsonNode qomGet(String path, String property) throws QmpException {
    return client.execute("qom-get", object().put("path", path).put("property", property));
  }

  /** {@code qom-set} (since 1.2). */
  public void qomSet(String path, String property, JsonNode value) throws QmpException {
    ObjectNode arguments = object().put("path", path).put("property", property);
    arguments.set("value", value);
    run("qom-set", arguments);
  }

  /** {@code query-status} (since 0.14). */
  public VmStatus queryStatus() throws QmpException {
    return Fields.checked(
        client.execute("query-status"),
        json -> new VmStatus(Fields.text(json, "status"), Fields.flag(json, "running")));
  }

  /** {@code cont} (since 0.14): lets the guest run, and retry what stopped it with an I/O error. */
  public void cont() throws QmpException {
    run("cont", null);
  }

  /** {@code stop} (since 0.14): stops the guest's virtual CPUs and drains its requests. */
  public void stop() throws QmpException {
    run("stop", null);
  }

  /** {@code query-uuid} (since 0.14); empty where the VM was started without {@code -uuid}. */
  public Optional<String> queryUuid() throws QmpException {
    String uuid = Fields.text(client.execute("query-uuid"), "UUID");
    return uuid.equals(NO_UUID) ? Optional.empty() : Optional.of(uuid);
  }

  /** {@code query-name} (since 0.14); empty where the VM was started without {@code -name}. */
  public Optional<String> queryName() throws QmpException {
    return Optional.ofNullable(Fields.textOrNull(client.execute("query-name"), "name"));
  }

  /** {@code query-version} (since 0.14). */
  public QmpGreeting queryVersion() throws QmpException {
    return QmpGreeting.parse(client.execute("query-version"));
  }

  /**
   * {@code human-monitor-command} (since 0.14): its output, which for an error of the HMP command
   * is the only sign of it. Not in {@code qemu-storage-daemon}.
   */
  public String hmp(String commandLine) throws QmpException {
    return client
        .execute("human-monitor-command", object().put("command-line", commandLine))
        .asText();
  }

  private void run(String command, @Nullable ObjectNode arguments) throws QmpException {
    var unused = client.execute(command, arguments);
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
