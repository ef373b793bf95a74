package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.SlotKind;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Changes a password. */
@Command(
    name = "change-password",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Changes a password.",
    description =
        "%nThe password that was given is changed, or, with --slot, that of another slot. No data"
            + " is touched.")
final class KeyChangePasswordCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Option(
      names = "--new-password-file",
      paramLabel = "FILE",
      description = "File with the new password. Default: the terminal is asked.")
  private @Nullable Path newPasswordFile;

  @Option(
      names = "--slot",
      paramLabel = "SLOT",
      description =
          "Number of the slot, as key list shows it. Default: the one that the given password"
              + " opens.")
  private @Nullable Integer number;

  KeyChangePasswordCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    try (RepositoryKeys keys = new RepositoryAccess(root, spec).keys()) {
      KeySlot slot = number == null ? keys.unlockedBy() : KeyCommand.slot(keys, number);
      if (slot.kind() != SlotKind.PASSPHRASE) {
        throw JobException.badRequest(
            "key slot "
                + slot.number()
                + " has no password, it is a "
                + slot.kind()
                + "; name another with --slot");
      }
      keys.change(slot.number(), newPassword());
      KeyCommand.tell(
          root,
          "key-change-password",
          JsonNodeFactory.instance.objectNode().put("slot", slot.number()),
          "changed the password of key slot " + slot.number());
    }
    return ExitCode.OK;
  }

  private Passphrase newPassword() throws IOException, JobException {
    if (newPasswordFile != null) {
      return SecretFiles.password(newPasswordFile);
    }
    return KeySource.newPassword(root.surroundings())
        .orElseThrow(
            () ->
                JobException.badRequest(
                    "there is no terminal to ask for the new password; name it with"
                        + " --new-password-file FILE"));
  }
}
