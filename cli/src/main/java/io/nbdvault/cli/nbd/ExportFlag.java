package io.nbdvault.cli.nbd;

import io.nbdvault.nbd.client.ExportInfo;
import java.util.function.Predicate;

/** What an export is or offers, in the order and by the names that {@code nbdinfo} has. */
enum ExportFlag {
  IS_ROTATIONAL("is_rotational", "isRotational", ExportInfo::rotational),
  IS_READ_ONLY("is_read_only", "isReadOnly", ExportInfo::readOnly),
  CAN_CACHE("can_cache", "canCache", ExportInfo::canCache),
  CAN_DF("can_df", "canDf", ExportInfo::canDf),
  CAN_FAST_ZERO("can_fast_zero", "canFastZero", ExportInfo::canFastZero),
  CAN_FLUSH("can_flush", "canFlush", ExportInfo::canFlush),
  CAN_FUA("can_fua", "canFua", ExportInfo::canFua),
  CAN_MULTI_CONN("can_multi_conn", "canMultiConn", ExportInfo::canMultiConn),
  CAN_TRIM("can_trim", "canTrim", ExportInfo::canTrim),
  CAN_ZERO("can_zero", "canZero", ExportInfo::canWriteZeroes);

  private final String nbdinfoName;
  private final String jsonName;

  @SuppressWarnings("ImmutableEnumChecker") // method references, without state
  private final Predicate<ExportInfo> value;

  ExportFlag(String nbdinfoName, String jsonName, Predicate<ExportInfo> value) {
    this.nbdinfoName = nbdinfoName;
    this.jsonName = jsonName;
    this.value = value;
  }

  String nbdinfoName() {
    return nbdinfoName;
  }

  String jsonName() {
    return jsonName;
  }

  boolean of(ExportInfo info) {
    return value.test(info);
  }
}
