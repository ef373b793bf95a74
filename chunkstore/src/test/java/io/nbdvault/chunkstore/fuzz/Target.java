package io.nbdvault.chunkstore.fuzz;

import com.google.errorprone.annotations.Immutable;
import java.util.Locale;

/** What can be fuzzed. */
enum Target {
  CODEC(CodecTarget.class, CodecTarget::fuzzerTestOneInput),
  CONFIG(ConfigTarget.class, ConfigTarget::fuzzerTestOneInput),
  CONTENT(ContentTarget.class, ContentTarget::fuzzerTestOneInput),
  KEYS(KeysTarget.class, KeysTarget::fuzzerTestOneInput),
  NODE(NodeTarget.class, NodeTarget::fuzzerTestOneInput),
  ROWS(RowsTarget.class, RowsTarget::fuzzerTestOneInput),
  SNAPSHOT(SnapshotTarget.class, SnapshotTarget::fuzzerTestOneInput);

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
  Class<?> type() {
    return type;
  }

  /** The directory of its corpus, below {@code fuzz}. */
  String directory() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Runs one input; throws if something is wrong. */
  void run(byte[] input) {
    run.run(input);
  }
}
