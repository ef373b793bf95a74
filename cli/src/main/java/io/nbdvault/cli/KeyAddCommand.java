package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Adds a key slot. */
@Command(
    name = "add",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Adds a key slot.",
    description = "%nWithout an option for the new key, the terminal is asked for a password.",
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup key add --label alice",
      "  nbdvault -r /backup key add --new-key-file /etc/nbdvault.key --label timer",
      "  nbdvault -r /backup key add --recipient /safe/recovery.pem.pub --label safe"
    })
final class KeyAddCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(KeyAddCommand.class);

  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @ArgGroup(multiplicity = "0..1")
  private @Nullable NewKey newKey;

  @Option(
      names = "--label",
      paramLabel = "TEXT",
      description = "What to call the slot. Default: nothing.")
  private String label = "";

  /** What the new slot is for. */
  private static final class NewKey {
    @Option(
        names = "--new-password-file",
        paramLabel = "FILE",
        description = "File with the new password. Default: the terminal is asked.")
    private @Nullable Path passwordFile;

    @Option(
        names = "--new-key-file",
        paramLabel = "FILE",
        description =
            "A file of at least 32 random bytes, as head -c 32 /dev/urandom makes it. Default:"
                + " none.")
    private @Nullable Path keyFile;

    @Option(
        names = "--recipient",
        paramLabel = "FILE",
        description =
            "Public key of a pair of X25519, whose private key unlocks the repository: see key"
                + " generate. Default: none.")
    private @Nullable Path recipient;
  }

  KeyAddCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    if (label.length() > KeySlot.LABEL_LENGTH_MAX
        || label.chars().anyMatch(Character::isISOControl)) {
      throw JobException.badRequest(
          "--label: expected at most "
              + KeySlot.LABEL_LENGTH_MAX
              + " characters, without control characters");
    }
    if (newKey != null && newKey.keyFile != null) {
      refuseSecondSlotOf(newKey.keyFile);
    }
    try (RepositoryKeys keys = new RepositoryAccess(root, spec).keys()) {
      SlotKey key = key();
      KeySlot added = add(keys, key);
      KeyCommand.tell(
          root,
          "key-add",
          JsonNodeFactory.instance.objectNode().put("slot", added.number()),
          "added key slot " + added.number() + ": " + added.kind());
    }
    return ExitCode.OK;
  }

  /** A second slot for one file looks like a second key, and is none. */
  private void refuseSecondSlotOf(Path file) throws IOException, JobException {
    Unlocking unlocking = Unlocking.with(SecretFiles.newKeyFile(file));
    try (ChunkStore store = Repositories.openReadOnly(root.repository(spec), unlocking)) {
      throw JobException.badRequest(
          file + " opens a key slot of repository " + store.config().repositoryId() + " already");
    } catch (WrongPasswordException e) {
      LOG.debug("key-file=new");
    }
  }

  private KeySlot add(RepositoryKeys keys, SlotKey key) throws IOException, JobException {
    try {
      return keys.add(key, label);
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new JobException(JobException.Kind.BAD_REQUEST, "" + e.getMessage(), e);
    }
  }

  private SlotKey key() throws IOException, JobException {
    if (newKey != null && newKey.passwordFile != null) {
      return SecretFiles.password(newKey.passwordFile);
    }
    if (newKey != null && newKey.keyFile != null) {
      return SecretFiles.newKeyFile(newKey.keyFile);
    }
    if (newKey != null && newKey.recipient != null) {
      return SecretFiles.recipient(newKey.recipient);
    }
    return KeySource.newPassword(root.surroundings())
        .orElseThrow(
            () ->
                JobException.badRequest(
                    "there is no terminal to ask for the new password; name it with"
                        + " --new-password-file FILE"));
  }
}
