package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.cli.render.KeySlotTable;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the key slots. */
@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Lists the key slots.",
    description =
        "%nNeeds no password, so what it shows is as true as whoever can write to the repository"
            + " is honest.")
final class KeyListCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  KeyListCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException {
    List<KeySlot> slots = Repositories.keySlots(root.repository(spec));
    if (root.isJson()) {
      JsonLines lines = new JsonLines(root.surroundings().out());
      slots.forEach(slot -> lines.write(json(slot)));
    } else {
      KeySlotTable.lines(slots, root.surroundings().zone())
          .forEach(root.surroundings().out()::println);
    }
    return ExitCode.OK;
  }

  private static ObjectNode json(KeySlot slot) {
    return JsonLines.event("key-slot")
        .put("slot", slot.number())
        .put("kind", slot.kind().toString())
        .put("label", slot.label())
        .put("created", slot.created().toString());
  }
}
