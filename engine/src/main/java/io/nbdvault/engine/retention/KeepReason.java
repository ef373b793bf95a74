package io.nbdvault.engine.retention;

/**
 * Why a snapshot is kept.
 *
 * @param rule what keeps it: {@code last}, {@code hourly}, {@code daily}, {@code weekly}, {@code
 *     monthly}, {@code yearly}, {@code within}, {@code tag}, {@code protected}, {@code future} or
 *     {@code newest}
 * @param text the rule and how the snapshot meets it, such as {@code daily 3 of 7: 2026-11-20}
 */
public record KeepReason(String rule, String text) {
  static final KeepReason PROTECTED = new KeepReason("protected", "protected");
  static final KeepReason FUTURE = new KeepReason("future", "its time is in the future");
  static final KeepReason NEWEST = new KeepReason("newest", "newest of the VM");

  static KeepReason newestOfDisk(String disk) {
    return new KeepReason("newest", "newest of disk " + disk);
  }

  static KeepReason last(int number, int count) {
    return new KeepReason("last", numbered("last", number, count));
  }

  static KeepReason periodic(KeepRule.Periodic rule, int number, String which) {
    String title = rule.period().title();
    return new KeepReason(title, numbered(title, number, rule.count()) + ": " + which);
  }

  static KeepReason within(KeepRule.Within rule) {
    return new KeepReason("within", "within " + rule.span());
  }

  static KeepReason tagged(KeepRule.Tagged rule) {
    return new KeepReason("tag", "tag " + rule);
  }

  private static String numbered(String title, int number, int count) {
    return title + " " + number + " of " + count;
  }

  @Override
  public String toString() {
    return text;
  }
}
