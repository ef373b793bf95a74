package io.nbdvault.cli;

/**
 * Sets what SLF4J's simple logger shows. It reads these once, when the first logger is made, so no
 * class that parsing needs may have one.
 */
final class Logging {
  private static final String PREFIX = "org.slf4j.simpleLogger.";

  private Logging() {}

  static void configure(boolean verbose) {
    set("defaultLogLevel", verbose ? "debug" : "warn");
    // Its reports on how it found its native parts help nobody here.
    set("log.io.netty", verbose ? "info" : "error");
    // What the database complains of comes back as the command's own error, in one sentence.
    set("log.io.nbdvault.chunkstore", verbose ? "debug" : "error");
  }

  /** A property that was given to the JVM wins. */
  private static void set(String name, String value) {
    if (System.getProperty(PREFIX + name) == null) {
      System.setProperty(PREFIX + name, value);
    }
  }
}
