package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;

/** {@code config.json}. */
public final class ConfigTarget {
  private ConfigTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    RepositoryConfig config;
    try {
      config = ConfigFile.decode(input);
      Expect.same(ConfigFile.formatVersion(input), config.formatVersion(), "format version");
    } catch (MalformedRecordException e) {
      Expect.sentence(e, input.length);
      return;
    }
    try {
      Expect.same(ConfigFile.decode(ConfigFile.encode(config)), config, "read back");
    } catch (MalformedRecordException e) {
      throw new AssertionError("cannot read back " + config, e);
    }
  }
}
