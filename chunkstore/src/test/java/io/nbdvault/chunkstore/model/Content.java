package io.nbdvault.chunkstore.model;

/**
 * All content there can be, by id: chunks a, b and c, leaves of two chunks, roots of two leaves. It
 * is so little that whatever is forgotten soon comes again.
 */
final class Content {
  static final int CHUNKS = 3;
  private static final int LEAVES = CHUNKS * CHUNKS;
  private static final int FIRST_LEAF = CHUNKS;
  private static final int FIRST_ROOT = FIRST_LEAF + LEAVES;
  static final int IDS = FIRST_ROOT + LEAVES * LEAVES;

  private Content() {}

  static int leaf(int chunk, int otherChunk) {
    return FIRST_LEAF + chunk * CHUNKS + otherChunk;
  }

  static int root(int leaf, int otherLeaf) {
    return FIRST_ROOT + (leaf - FIRST_LEAF) * LEAVES + otherLeaf - FIRST_LEAF;
  }

  static boolean isNode(int id) {
    return id >= FIRST_LEAF;
  }

  static boolean isLeaf(int id) {
    return isNode(id) && id < FIRST_ROOT;
  }

  /** Child 0 or 1 of a node. */
  static int child(int node, int slot) {
    boolean leaf = node < FIRST_ROOT;
    int number = leaf ? node - FIRST_LEAF : node - FIRST_ROOT;
    int fanout = leaf ? CHUNKS : LEAVES;
    return (leaf ? 0 : FIRST_LEAF) + (slot == 0 ? number / fanout : number % fanout);
  }

  /** Such as {@code a}, {@code ab} and {@code ab/ca}. */
  static String name(int id) {
    if (!isNode(id)) {
      return String.valueOf((char) ('a' + id));
    }
    return name(child(id, 0)) + (isLeaf(id) ? "" : "/") + name(child(id, 1));
  }
}
