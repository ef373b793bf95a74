package io.nbdvault.cli.render;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether stderr is a terminal, and how wide. {@code System.console()} does not tell: it asks for
 * stdin and stdout, and since JDK 22 there is always one.
 */
public final class Terminal {
  private static final Path STDERR = Path.of("/proc/self/fd/2");
  private static final Pattern DEVICE = Pattern.compile("/dev/(pts/\\d+|tty[^/]*|console)");
  private static final Pattern SIZE = Pattern.compile("\\d{1,5} (\\d{1,5})\\s*");
  private static final int COLUMNS_DEFAULT = 80;
  private static final int COLUMNS_MIN = 20;
  private static final long STTY_SECONDS_MAX = 2;

  private Terminal() {}

  /** The columns of the terminal that stderr is; empty if it is none, or one that cannot redraw. */
  public static OptionalInt stderrColumns(Map<String, String> environment) {
    if (environment.getOrDefault("TERM", "dumb").equals("dumb") || !isTerminal(STDERR)) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(columns());
  }

  static boolean isTerminal(Path descriptor) {
    try {
      return isTerminal(Files.readSymbolicLink(descriptor).toString());
    } catch (IOException e) {
      // No /proc: rather no progress line than control characters in a file.
      log("isTerminal", e);
      return false;
    }
  }

  static boolean isTerminal(String target) {
    return DEVICE.matcher(target).matches();
  }

  private static int columns() {
    ProcessBuilder stty =
        new ProcessBuilder("stty", "size")
            .redirectInput(new File(STDERR.toString()))
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    try {
      Process process = stty.start();
      if (!process.waitFor(STTY_SECONDS_MAX, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return COLUMNS_DEFAULT;
      }
      byte[] size = process.getInputStream().readNBytes(64);
      return parse(new String(size, StandardCharsets.US_ASCII));
    } catch (IOException e) {
      log("columns", e);
      return COLUMNS_DEFAULT;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return COLUMNS_DEFAULT;
    }
  }

  /** Reads what {@code stty size} prints: rows and columns, zeroes where it does not know. */
  static int parse(String size) {
    Matcher matcher = SIZE.matcher(size);
    int columns = matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
    return columns < COLUMNS_MIN ? COLUMNS_DEFAULT : columns;
  }

  private static void log(String what, IOException e) {
    // Asked for here and not in a field: the level is set after the command line is parsed.
    Logger log = LoggerFactory.getLogger(Terminal.class);
    log.debug("{} failed", what, e);
  }
}
