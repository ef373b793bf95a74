package io.nbdvault.nbd.fuzz;

import com.google.errorprone.annotations.Immutable;
import io.nbdvault.nbd.client.ReplyTarget;
import java.util.Locale;

/** What can be fuzzed. */
public enum Target {
  REPLIES(ReplyTarget.class, ReplyTarget::fuzzerTestOneInput),
  HANDSHAKE(HandshakeTarget.class, HandshakeTarget::fuzzerTestOneInput),
  URI(UriTarget.class, UriTarget::fuzzerTestOneInput);

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
