package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * {@code block-dirty-bitmap-merge} (since 4.0): sets in the target every bit that is set in a
 * source; the sources stay as they are.
 *
 * @param node node that holds the target and the sources
 * @param target bitmap name
 * @param sources bitmap names, at least one
 */
public record DirtyBitmapMerge(String node, String target, List<String> sources)
    implements TransactionAction {
  public DirtyBitmapMerge {
    Checks.notEmpty("node", node);
    Checks.bitmapName("target", target);
    sources = List.copyOf(sources);
    if (sources.isEmpty()) {
      throw new IllegalArgumentException("sources: empty (expected: at least one bitmap)");
    }
    sources.forEach(source -> Checks.bitmapName("sources", source));
  }

  ObjectNode arguments() {
    ObjectNode data = JsonNodeFactory.instance.objectNode().put("node", node).put("target", target);
    ArrayNode bitmaps = data.putArray("bitmaps");
    sources.forEach(bitmaps::add);
    return data;
  }

  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("block-dirty-bitmap-merge", arguments());
  }
}
