package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpProtocolException;

/**
 * {@code BlockDirtyInfo} (since 1.3; {@code recording}, {@code busy}, {@code persistent} and {@code
 * inconsistent} since 4.0).
 *
 * @param name empty for the bitmaps that jobs use inside QEMU
 * @param granularityBytes bytes that one bit stands for
 * @param countBytes dirty bytes, a multiple of the granularity except at the end of the disk
 * @param recording whether writes set bits
 * @param busy whether a job or an export uses the bitmap, so that it cannot be changed or removed
 * @param persistent whether QEMU stores it in the image when the node is closed
 * @param inconsistent whether it was not stored properly: it can only be removed
 */
public record DirtyBitmap(
    String name,
    long granularityBytes,
    long countBytes,
    boolean recording,
    boolean busy,
    boolean persistent,
    boolean inconsistent) {
  public DirtyBitmap {
    Checks.granularity(granularityBytes);
    Checks.notNegative("countBytes", countBytes);
  }

  static DirtyBitmap parse(JsonNode json) throws QmpProtocolException {
    String name = Fields.textOrNull(json, "name");
    return new DirtyBitmap(
        name == null ? "" : name,
        Fields.number(json, "granularity"),
        Fields.number(json, "count"),
        Fields.flag(json, "recording"),
        Fields.flag(json, "busy"),
        Fields.flag(json, "persistent"),
        // Absent unless true.
        json.path("inconsistent").asBoolean(false));
  }
}
