package io.nbdvault.engine.retention;

import java.util.Map;
import java.util.Optional;

/** One reason to keep snapshots of a VM. Rules know nothing of each other. */
public sealed interface KeepRule {
  /** More than anybody keeps; with an hour each, a hundred years. */
  int COUNT_MAX = 1_000_000;

  /**
   * Keeps the newest snapshots.
   *
   * @param count how many, 1 to {@value #COUNT_MAX}
   */
  record Last(int count) implements KeepRule {
    /** Checks the count. */
    public Last {
      checkCount("--keep-last", count);
    }
  }

  /**
   * Keeps the newest snapshot of each of the latest periods that have one. While there are fewer
   * such periods than are to be kept, the oldest snapshot is kept too: else the first monthly one
   * would be gone before there is a second.
   *
   * @param count how many periods, 1 to {@value #COUNT_MAX}
   */
  record Periodic(KeepPeriod period, int count) implements KeepRule {
    /** Checks the count. */
    public Periodic {
      checkCount("--keep-" + period.title(), count);
    }
  }

  /** Keeps all snapshots that are not older. See {@link RetentionPolicy} for older than what. */
  record Within(CalendarSpan span) implements KeepRule {}

  /**
   * Keeps all snapshots with a tag.
   *
   * @param name of the tag
   * @param value that it must have, or any
   */
  record Tagged(String name, Optional<String> value) implements KeepRule {
    /** Checks that there is a name. */
    public Tagged {
      if (name.isEmpty()) {
        throw new IllegalArgumentException("--keep-tag: '' (expected: NAME or NAME=VALUE)");
      }
    }

    /** Whether the rule keeps a snapshot with these tags. */
    public boolean matches(Map<String, String> tags) {
      Optional<String> found = Optional.ofNullable(tags.get(name));
      return found.isPresent() && (value.isEmpty() || value.equals(found));
    }

    @Override
    public String toString() {
      return value.map(text -> name + "=" + text).orElse(name);
    }
  }

  private static void checkCount(String option, int count) {
    if (count < 1 || count > COUNT_MAX) {
      throw new IllegalArgumentException(
          option + ": " + count + " (expected: 1 to " + COUNT_MAX + ")");
    }
  }
}
