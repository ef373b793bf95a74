package io.nbdvault.qmp.block;

/**
 * A dirty bitmap by the node that holds it.
 *
 * @param node node name
 * @param name bitmap name, at most 1023 bytes
 */
public record NodeBitmap(String node, String name) {
  public NodeBitmap {
    Checks.notEmpty("node", node);
    Checks.bitmapName("name", name);
  }
}
