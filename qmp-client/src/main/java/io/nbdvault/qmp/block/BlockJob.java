package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import org.jspecify.annotations.Nullable;

/**
 * {@code BlockJobInfo} (since 1.1; {@code status} since 2.12).
 *
 * @param id job id
 * @param type for example {@code backup}
 * @param status for example {@code running}, {@code paused}, {@code concluded}
 * @param offsetBytes done so far, of lengthBytes
 * @param lengthBytes what is to be done in all
 * @param speedBytesPerSecond limit, 0 for none
 * @param busy whether it works at this moment
 * @param paused whether it is paused
 * @param ready whether it may be completed
 * @param ioStatus {@code ok}, {@code failed} or {@code nospace}
 * @param error why it failed, or null
 */
public record BlockJob(
    String id,
    String type,
    String status,
    long offsetBytes,
    long lengthBytes,
    long speedBytesPerSecond,
    boolean busy,
    boolean paused,
    boolean ready,
    String ioStatus,
    @Nullable String error) {
  public BlockJob {
    Checks.notEmpty("type", type);
    Checks.notEmpty("status", status);
  }

  static BlockJob parse(JsonNode json) throws QmpException {
    return new BlockJob(
        Fields.text(json, "device"),
        Fields.text(json, "type"),
        Fields.text(json, "status"),
        Fields.number(json, "offset"),
        Fields.number(json, "len"),
        Fields.number(json, "speed"),
        Fields.flag(json, "busy"),
        Fields.flag(json, "paused"),
        Fields.flag(json, "ready"),
        Fields.text(json, "io-status"),
        Fields.textOrNull(json, "error"));
  }
}
