package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The version that QEMU gives in its greeting and in {@code query-version} (since 0.14). Features
 * are to be detected with {@link QmpSchema}; the version is for known bugs, which no schema shows.
 *
 * @param major release's first number
 * @param minor second number
 * @param micro third number; 50 and above are development versions
 * @param packageVersion the distributor's name for the build, or empty
 */
public record QmpGreeting(int major, int minor, int micro, String packageVersion) {
  public QmpGreeting {
    if (major < 0 || minor < 0 || micro < 0) {
      throw new IllegalArgumentException(
          "version: " + major + "." + minor + "." + micro + " (expected: no negative number)");
    }
  }

  /** Returns whether this version is {@code major.minor.0} or later. */
  public boolean isAtLeast(int wantedMajor, int wantedMinor) {
    return major > wantedMajor || (major == wantedMajor && minor >= wantedMinor);
  }

  /**
   * Parses QMP's {@code VersionInfo}.
   *
   * @throws QmpProtocolException where it is something else
   */
  public static QmpGreeting parse(JsonNode version) throws QmpProtocolException {
    JsonNode qemu = version.path("qemu");
    try {
      return new QmpGreeting(
          qemu.path("major").asInt(-1),
          qemu.path("minor").asInt(-1),
          qemu.path("micro").asInt(-1),
          version.path("package").asText(""));
    } catch (IllegalArgumentException e) {
      throw new QmpProtocolException("version: " + PendingCommands.describe(version), e);
    }
  }

  @Override
  public String toString() {
    String numbers = major + "." + minor + "." + micro;
    return packageVersion.isEmpty() ? numbers : numbers + " (" + packageVersion + ")";
  }
}
