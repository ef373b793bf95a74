package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.engine.maintenance.DiffJob;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Shows differences to a program; {@code docs/JSON.md} describes each object. */
public final class DiffJson implements DiffDisplay {
  private final JsonLines lines;
  private final DiffJob.Pair pair;
  private final List<DiffTotals> disks = new ArrayList<>();

  public DiffJson(JsonLines lines, DiffJob.Pair pair) {
    this.lines = lines;
    this.pair = pair;
  }

  @Override
  public boolean disk(String name, Optional<DiskRecord> from, Optional<DiskRecord> to) {
    ObjectNode json = JsonLines.event("diff-disk").put("disk", name);
    from.ifPresent(disk -> json.put("fromSizeBytes", disk.sizeBytes()));
    to.ifPresent(disk -> json.put("toSizeBytes", disk.sizeBytes()));
    lines.write(json);
    disks.add(DiffTotals.none(name));
    return true;
  }

  @Override
  public void range(long offsetBytes, long lengthBytes) {
    int last = disks.size() - 1;
    lines.write(
        JsonLines.event("diff-range")
            .put("disk", disks.get(last).disk())
            .put("offsetBytes", offsetBytes)
            .put("lengthBytes", lengthBytes));
    disks.set(last, disks.get(last).plus(lengthBytes));
  }

  @Override
  public void end() {
    ObjectNode json =
        JsonLines.event("summary")
            .put("job", "diff")
            .put("from", pair.from().id().hex())
            .put("to", pair.to().id().hex());
    ArrayNode array = json.putArray("disks");
    for (DiffTotals disk : disks) {
      array
          .addObject()
          .put("name", disk.disk())
          .put("ranges", disk.ranges())
          .put("differentBytes", disk.differentBytes());
    }
    lines.write(json);
  }
}
