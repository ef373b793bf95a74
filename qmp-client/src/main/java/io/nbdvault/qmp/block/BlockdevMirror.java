package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code blockdev-mirror} (since 2.6; {@code copy-mode} since 3.0, {@code auto-dismiss} since 3.1)
 * of all that a node holds, its backing chain included. What is written meanwhile goes to the
 * target too before it is acknowledged ({@code copy-mode: write-blocking}), so the job becomes
 * ready however busy the guest is. An error on either side ends the job and is nobody else's; the
 * job then stays, with its error, until it is dismissed.
 *
 * @param jobId id of the job
 * @param device node name of the source: whatever uses it uses the target afterwards
 * @param target node name of the target, of the same size
 * @param filterNodeName name of the filter node that is put above the source meanwhile
 */
public record BlockdevMirror(String jobId, String device, String target, String filterNodeName) {
  public BlockdevMirror {
    Checks.notEmpty("jobId", jobId);
    Checks.notEmpty("device", device);
    Checks.notEmpty("target", target);
    Checks.notEmpty("filterNodeName", filterNodeName);
  }

  ObjectNode arguments() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("job-id", jobId)
        .put("device", device)
        .put("target", target)
        .put("filter-node-name", filterNodeName)
        .put("sync", "full")
        .put("copy-mode", "write-blocking")
        .put("on-source-error", "report")
        .put("on-target-error", "report")
        .put("auto-dismiss", false);
  }
}
