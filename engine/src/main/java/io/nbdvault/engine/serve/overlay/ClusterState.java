package io.nbdvault.engine.serve.overlay;

/** What a cluster of an overlay is. */
public enum ClusterState {
  /** Not written: what is below shows. */
  BELOW(0),
  /** Its place in the file has all of it. */
  DATA(1),
  /** All zeroes, whatever its place in the file has. */
  ZERO(2);

  private final int bits;

  ClusterState(int bits) {
    this.bits = bits;
  }

  /** What stands for it in the map. */
  int bits() {
    return bits;
  }

  static ClusterState ofBits(int bits) {
    return switch (bits) {
      case 0 -> BELOW;
      case 1 -> DATA;
      case 2 -> ZERO;
      default -> throw new IllegalStateException("bits: " + bits + " (expected: 0 to 2)");
    };
  }
}
