package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import org.jspecify.annotations.Nullable;

/**
 * {@code BlockInfo} (since 0.14): a device model and what is inserted in it.
 *
 * @param device legacy drive name ({@code -drive id=…}), empty for {@code -blockdev}
 * @param qdev id or QOM path of the device, or null where none is attached
 * @param type QEMU says {@code unknown} for all but few
 * @param removable whether the medium can be taken out
 * @param locked whether the guest has locked the tray
 * @param trayOpen whether the tray is open; false where the device has none
 * @param ioStatus {@code ok}, {@code failed} or {@code nospace}; null where it is not kept
 * @param inserted the topmost node under the device, which may be a filter; null for no medium
 */
public record BlockDevice(
    String device,
    @Nullable String qdev,
    String type,
    boolean removable,
    boolean locked,
    boolean trayOpen,
    @Nullable String ioStatus,
    @Nullable BlockNode inserted) {

  /**
   * Returns the {@code id} that the device was given ({@code -device …,id=vda}), taken from its QOM
   * path, or null where it has none.
   */
  public @Nullable String deviceId() {
    String path = qdev;
    if (path == null || !path.startsWith("/")) {
      return path;
    }
    String prefix = "/machine/peripheral/";
    if (!path.startsWith(prefix)) {
      return null;
    }
    String rest = path.substring(prefix.length());
    int slash = rest.indexOf('/');
    return slash < 0 ? rest : rest.substring(0, slash);
  }

  static BlockDevice parse(JsonNode json) throws QmpException {
    JsonNode inserted = json.path("inserted");
    return new BlockDevice(
        Fields.text(json, "device"),
        Fields.textOrNull(json, "qdev"),
        Fields.text(json, "type"),
        Fields.flag(json, "removable"),
        Fields.flag(json, "locked"),
        json.path("tray_open").asBoolean(false),
        Fields.textOrNull(json, "io-status"),
        inserted.isObject() ? Fields.checked(inserted, BlockNode::parse) : null);
  }
}
