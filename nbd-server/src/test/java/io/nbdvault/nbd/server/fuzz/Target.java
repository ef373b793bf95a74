package io.nbdvault.nbd.server.fuzz;

import com.google.errorprone.annotations.Immutable;
import io.nbdvault.nbd.server.HagglingTarget;
import io.nbdvault.nbd.server.RequestsTarget;
import java.util.Locale;

/** What can be fuzzed. */
public enum Target {
  HAGGLING(HagglingTarget.class, HagglingTarget::fuzzerTestOneInput),
  REQUESTS(RequestsTarget.class, RequestsTarget::fuzzerTestOneInput);

  @Immutable
  private interface Run {
    void run(byte[] input);
  }

  private final Class<?> type;
  private final Run run;

  Target(Class<?> type, Run run) {
    this.type = type;
    this.run = run;
  }

  /** The class with the method that the fuzzer calls. */
  public Class<?> type() {
    return type;
  }

  /** The directory of its corpus, below {@code fuzz}. */
  public String directory() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Runs one input; throws if something is wrong. */
  public void run(byte[] input) {
    run.run(input);
  }
}
