package io.nbdvault.engine.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code bin/nbdvault} starts its JVM with, read from where it has it: what a test says of
 * memory and time is then said of the program, also after somebody has changed it.
 */
public final class LauncherOptions {
  private static final Path LAUNCHER = Path.of("bin", "lib", "jvm.sh");
  private static final String BEGIN = "  options=(";
  private static final String END = "  )";

  /** As in {@code export NAME=${NAME:-VALUE}}. */
  private static final Pattern MALLOC =
      Pattern.compile("\\s*export (MALLOC_\\w+)=\\$\\{\\w+:-([^}]+)}");

  private LauncherOptions() {}

  /** The options that every Java gets. */
  public static List<String> jvm() throws IOException {
    return jvm(lines());
  }

  static List<String> jvm(List<String> lines) throws IOException {
    int begin = lines.indexOf(BEGIN);
    int end = begin < 0 ? -1 : begin + lines.subList(begin, lines.size()).indexOf(END);
    if (end <= begin) {
      throw new IOException(LAUNCHER + ": no list of options in it");
    }
    List<String> options = new ArrayList<>();
    for (String line : lines.subList(begin + 1, end)) {
      String text = line.strip();
      if (!text.startsWith("#")) {
        for (String word : text.split("\\s+", -1)) {
          options.add(word.replace("'", ""));
        }
      }
    }
    return options;
  }

  /** The environment variables that tell the C library how to use memory. */
  public static Map<String, String> malloc() throws IOException {
    Map<String, String> variables = new LinkedHashMap<>();
    for (String line : lines()) {
      Matcher matcher = MALLOC.matcher(line);
      if (matcher.matches()) {
        variables.put(matcher.group(1), matcher.group(2));
      }
    }
    return variables;
  }

  /** Tests run in the directory of their module. */
  private static List<String> lines() throws IOException {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.exists(at.resolve(LAUNCHER))) {
        return Files.readAllLines(at.resolve(LAUNCHER));
      }
    }
    throw new IOException(LAUNCHER + " is not there");
  }
}
