package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code blockdev-backup} with {@code sync: none} (in transactions since 2.3, {@code
 * filter-node-name} since 4.2): from now on what a guest is about to overwrite is first copied to
 * the target. The job runs until it is cancelled or fails.
 *
 * @param device node name of the source, or the legacy device name
 * @param target node name that receives the old data
 * @param jobId id of the job
 * @param filterNodeName name of the filter node that is put above the source
 * @param breakSnapshot whether a target that cannot be written breaks the snapshot and not the
 *     guest's write ({@code on-cbw-error: break-snapshot}, since 10.1; older ones refuse it, so ask
 *     {@link io.nbdvault.qmp.QmpSchema} first); only for who reads through the filter: a reader of
 *     an overlay backed by the source would not notice, and get the live disk
 */
public record BlockdevBackup(
    String device, String target, String jobId, String filterNodeName, boolean breakSnapshot)
    implements TransactionAction {
  public BlockdevBackup {
    Checks.notEmpty("device", device);
    Checks.notEmpty("target", target);
    Checks.notEmpty("jobId", jobId);
    Checks.notEmpty("filterNodeName", filterNodeName);
  }

  /** Leaves {@code on-cbw-error} at QEMU's default: the guest's write fails. */
  public BlockdevBackup(String device, String target, String jobId, String filterNodeName) {
    this(device, target, jobId, filterNodeName, false);
  }

  @Override
  public ObjectNode toJson() {
    ObjectNode data =
        JsonNodeFactory.instance
            .objectNode()
            .put("device", device)
            .put("target", target)
            .put("sync", "none")
            .put("job-id", jobId)
            .put("filter-node-name", filterNodeName);
    if (breakSnapshot) {
      data.put("on-cbw-error", "break-snapshot");
    }
    return TransactionAction.wrap("blockdev-backup", data);
  }
}
