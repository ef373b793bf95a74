package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.SnapshotLine;
import java.io.PrintStream;
import java.util.Collection;

/** Tells which snapshots a command has changed. */
final class ChangedSnapshots {
  private final NbdvaultCommand root;

  ChangedSnapshots(NbdvaultCommand root) {
    this.root = root;
  }

  /**
   * @param job the command's name
   * @param what has become of each, for people
   */
  void tell(String job, String what, Collection<SnapshotRecord> snapshots) {
    PrintStream out = root.surroundings().out();
    if (root.isJson()) {
      ObjectNode json = JsonLines.event("summary").put("job", job);
      ArrayNode ids = json.putArray("snapshots");
      snapshots.forEach(snapshot -> ids.add(snapshot.id().hex()));
      new JsonLines(out).write(json);
    } else if (!root.isQuiet()) {
      for (SnapshotRecord snapshot : snapshots) {
        out.println(what + SnapshotLine.of(snapshot, root.surroundings().zone()));
      }
    }
  }
}
