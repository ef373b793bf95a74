package io.nbdvault.chunkstore.rocksdb;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What RocksDB says of damage, in words that mean something to whoever has the repository: what is
 * wrong, and in which file. All that it says stays in the exception's cause.
 */
final class RocksText {
  /** Of a table, a log or the list of files, without the directory, which may be a passing one. */
  private static final Pattern FILE =
      Pattern.compile(
          "(?<![\\w.-])(\\d+\\.(?:sst|log)|MANIFEST-\\d+|CURRENT|OPTIONS-\\d+)(?![\\w.-])");

  /** What comes before the first of these says what is wrong. */
  private static final Pattern DETAILS =
      Pattern.compile(": stored|, computed| in [^ ]*\\d+\\.sst|: While |[.:] The file ");

  /** A directory before the name of a file. */
  private static final Pattern DIRECTORY = Pattern.compile("\\S*/(?=[\\w.-]+)");

  private static final int LENGTH_MAX = 120;

  private RocksText() {}

  /** Shortens a message. */
  static String brief(@Nullable String message) {
    if (message == null || message.isBlank()) {
      return "RocksDB gives no reason";
    }
    String file = file(message);
    if (isFileGone(message)) {
      return file.isEmpty() ? "a file is missing" : "file " + file + " is missing";
    }
    Matcher details = DETAILS.matcher(message);
    String head = details.find() ? message.substring(0, details.start()) : message;
    String what =
        DIRECTORY.matcher(head.replaceFirst("^(Corruption|IO error): ", "")).replaceAll("");
    String cut = what.length() > LENGTH_MAX ? what.substring(0, LENGTH_MAX) + "..." : what;
    return file.isEmpty() || cut.contains(file) ? cut : cut + " in file " + file;
  }

  /** Whether a file is not there that RocksDB wants to open. */
  static boolean isFileGone(@Nullable String message) {
    return message != null
        && (message.contains("No such file or directory") || message.contains("does not exist"));
  }

  /** The first file that a message names, or nothing. */
  private static String file(String message) {
    Matcher file = FILE.matcher(message);
    return file.find() ? file.group(1) : "";
  }
}
