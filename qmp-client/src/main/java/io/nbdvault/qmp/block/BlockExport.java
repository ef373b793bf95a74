package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;

/**
 * {@code BlockExportInfo} (since 5.2).
 *
 * @param id export id, unique among all exports
 * @param type for example {@code nbd}
 * @param nodeName exported node
 * @param shuttingDown whether it is being closed, so that its id is not yet free
 */
public record BlockExport(String id, String type, String nodeName, boolean shuttingDown) {
  public BlockExport {
    Checks.notEmpty("id", id);
    Checks.notEmpty("type", type);
  }

  static BlockExport parse(JsonNode json) throws QmpException {
    return new BlockExport(
        Fields.text(json, "id"),
        Fields.text(json, "type"),
        Fields.text(json, "node-name"),
        Fields.flag(json, "shutting-down"));
  }
}
