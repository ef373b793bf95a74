package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.TreeNode;

/** A node of a tree: what is read is written again as the same bytes. */
public final class NodeTarget {
  private NodeTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    try {
      TreeNode node = TreeNode.decode(input, input.length);
      Expect.same(node.encode(), input, "written again");
      Expect.same(node.children().length, node.count(), "children");
    } catch (MalformedRecordException e) {
      Expect.sentence(e, input.length);
    }
  }
}
