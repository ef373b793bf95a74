package io.nbdvault.nbd.server.fuzz;

import java.io.IOException;
import java.util.Locale;

/** What {@code bin/fuzz} calls for this module's targets. */
final class FuzzRun {
  private FuzzRun() {}

  /** As the client's, with a name of {@link Target}. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Target target = Target.valueOf(args[1].toUpperCase(Locale.ROOT));
    System.exit(io.nbdvault.nbd.fuzz.FuzzRun.run(target.type(), target.directory(), args));
  }
}
