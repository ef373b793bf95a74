package io.nbdvault.engine.qemu;

/** Objects that stand in a QEMU only for their names. */
final class Markers {
  /** An object that does nothing by itself and that every QEMU with block devices can make. */
  static final String TYPE = "throttle-group";

  private Markers() {}
}
