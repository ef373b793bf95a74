package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKind;
import io.nbdvault.engine.JobException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Removes a key slot. */
@Command(
    name = "remove",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Removes a key slot.",
    description =
        "%nNot the last one: nobody could read the repository then. Who could open the slot may"
            + " have kept the repository's keys, or a copy of keys.json: that is not taken back."
            + " The last password or key file goes only with --force: backups need one.")
final class KeyRemoveCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(paramLabel = "SLOT", description = "Number of the slot, as key list shows it.")
  private int number;

  @Option(
      names = "--force",
      description = "Remove it also if only private keys unlock the repository afterwards.")
  private boolean force;

  KeyRemoveCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    try (RepositoryKeys keys = new RepositoryAccess(root, spec).keys()) {
      KeySlot slot = KeyCommand.slot(keys, number);
      if (keys.slots().size() == 1) {
        throw JobException.badRequest(
            "key slot " + number + " is the last: without it nobody can read the repository");
      }
      if (!force && isLastForDailyUse(slot, keys)) {
        throw JobException.badRequest(
            "key slot "
                + number
                + " is the last for a password or a key file: without it only private keys, which"
                + " are for recovery, unlock the repository, and backups with anything else fail;"
                + " if that is what you want: --force");
      }
      keys.remove(number);
      KeyCommand.tell(
          root,
          "key-remove",
          JsonNodeFactory.instance.objectNode().put("slot", number),
          "removed key slot " + number);
    }
    return ExitCode.OK;
  }

  private static boolean isLastForDailyUse(KeySlot removed, RepositoryKeys keys) {
    return removed.kind() != SlotKind.RECIPIENT
        && keys.slots().stream()
            .filter(slot -> slot.number() != removed.number())
            .allMatch(slot -> slot.kind() == SlotKind.RECIPIENT);
  }
}
