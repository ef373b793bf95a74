package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Begins a new key epoch. */
@Command(
    name = "rotate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Begins a new key for what is stored from now on.",
    description =
        "%nWhat is stored already stays sealed under the earlier keys, can be read, and is still"
            + " deduplicated against. Every slot opens all keys, the new one too.")
final class KeyRotateCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  KeyRotateCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws StoreException, JobException, InterruptedException {
    try (RepositoryKeys keys = new RepositoryAccess(root, spec).keys()) {
      rotate(keys);
      KeyCommand.tell(
          root,
          "key-rotate",
          JsonNodeFactory.instance.objectNode().put("keyEpoch", keys.keyEpoch()),
          "what is stored from now on is sealed under key " + keys.keyEpoch());
    }
    return ExitCode.OK;
  }

  private static void rotate(RepositoryKeys keys) throws StoreException, JobException {
    try {
      keys.rotate();
    } catch (IllegalStateException e) {
      throw new JobException(JobException.Kind.BAD_REQUEST, "" + e.getMessage(), e);
    }
  }
}
