package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import org.jspecify.annotations.Nullable;

/**
 * {@code JobInfo} (since 3.0): a job of any kind, block jobs among them.
 *
 * @param id job id
 * @param type for example {@code backup}
 * @param status for example {@code running}, {@code aborting}, {@code concluded}
 * @param currentProgress in a unit of the job's own, of totalProgress
 * @param totalProgress may grow while the job runs
 * @param error why it failed, or null
 */
public record JobInfo(
    String id,
    String type,
    String status,
    long currentProgress,
    long totalProgress,
    @Nullable String error) {
  public JobInfo {
    Checks.notEmpty("type", type);
    Checks.notEmpty("status", status);
  }

  static JobInfo parse(JsonNode json) throws QmpException {
    return new JobInfo(
        Fields.text(json, "id"),
        Fields.text(json, "type"),
        Fields.text(json, "status"),
        Fields.number(json, "current-progress"),
        Fields.number(json, "total-progress"),
        Fields.textOrNull(json, "error"));
  }
}
