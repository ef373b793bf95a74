package io.nbdvault.cli;

import io.nbdvault.engine.retention.CalendarSpan;
import io.nbdvault.engine.retention.KeepPeriod;
import io.nbdvault.engine.retention.KeepRule;
import io.nbdvault.engine.retention.RetentionPolicy;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

/** The options that say which snapshots of a VM are kept. */
final class KeepOptions {
  private static final String NONE = " Default: 0, no such rule.";

  @Option(
      names = "--keep-last",
      paramLabel = "N",
      converter = CountConverter.class,
      description = "Keep the newest N." + NONE)
  private @Nullable Integer last;

  @Option(
      names = "--keep-hourly",
      paramLabel = "N",
      converter = CountConverter.class,
      description = "Keep the newest of each of the last N hours that have one." + NONE)
  private @Nullable Integer hourly;

  @Option(
      names = "--keep-daily",
      paramLabel = "N",
      converter = CountConverter.class,
      description = "Keep the newest of each of the last N days that have one." + NONE)
  private @Nullable Integer daily;

  @Option(
      names = "--keep-weekly",
      paramLabel = "N",
      converter = CountConverter.class,
      description = "Likewise for weeks, which begin on Monday." + NONE)
  private @Nullable Integer weekly;

  @Option(
      names = "--keep-monthly",
      paramLabel = "N",
      converter = CountConverter.class,
      description = "Likewise for months." + NONE)
  private @Nullable Integer monthly;

  @Option(
      names = "--keep-yearly",
      paramLabel = "N",
      converter = CountConverter.class,
      description = "Likewise for years." + NONE)
  private @Nullable Integer yearly;

  @Option(
      names = "--keep-within",
      paramLabel = "DURATION",
      converter = SpanConverter.class,
      description =
          "Keep all that are not older than this, such as 36h, 14d, 4w, 6m (months) or 1y6m,"
              + " counted from the newest one."
              + " Default: no such rule.")
  private @Nullable CalendarSpan within;

  @Option(
      names = "--keep-tag",
      paramLabel = "NAME[=VALUE]",
      converter = TagConverter.class,
      description = "Keep all that have this tag. Repeatable. Default: no such rule.")
  private List<KeepRule.Tagged> tags = new ArrayList<>();

  /** The tags that keep a snapshot. */
  List<KeepRule.Tagged> tags() {
    return List.copyOf(tags);
  }

  /**
   * The policy.
   *
   * @return empty if no rule was given
   * @throws ParameterException if a number makes no sense
   */
  Optional<RetentionPolicy> policy(CommandLine command) {
    try {
      List<KeepRule> rules = rules();
      return rules.isEmpty() ? Optional.empty() : Optional.of(new RetentionPolicy(rules));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, String.valueOf(e.getMessage()), e);
    }
  }

  private List<KeepRule> rules() {
    List<KeepRule> rules = new ArrayList<>();
    // A count of 0 is what scripts give for a rule that they do not want.
    if (last != null && last != 0) {
      rules.add(new KeepRule.Last(last));
    }
    Map<KeepPeriod, Integer> counts = new EnumMap<>(KeepPeriod.class);
    put(counts, KeepPeriod.HOURLY, hourly);
    put(counts, KeepPeriod.DAILY, daily);
    put(counts, KeepPeriod.WEEKLY, weekly);
    put(counts, KeepPeriod.MONTHLY, monthly);
    put(counts, KeepPeriod.YEARLY, yearly);
    counts.forEach((period, count) -> rules.add(new KeepRule.Periodic(period, count)));
    if (within != null) {
      rules.add(new KeepRule.Within(within));
    }
    tags.stream().distinct().forEach(rules::add);
    return rules;
  }

  private static void put(
      Map<KeepPeriod, Integer> counts, KeepPeriod period, @Nullable Integer count) {
    if (count != null && count != 0) {
      counts.put(period, count);
    }
  }

  /** Reads how many are kept. */
  static final class CountConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      try {
        return Integer.valueOf(text);
      } catch (NumberFormatException e) {
        throw new TypeConversionException(
            text + " (expected: a number from 0 to " + KeepRule.COUNT_MAX + ")");
      }
    }
  }

  /** Reads a length of time. */
  static final class SpanConverter implements ITypeConverter<CalendarSpan> {
    @Override
    public CalendarSpan convert(String text) {
      try {
        return CalendarSpan.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }

  /** Reads the name of a tag, or name and value. */
  static final class TagConverter implements ITypeConverter<KeepRule.Tagged> {
    @Override
    public KeepRule.Tagged convert(String text) {
      if (text.contains("=")) {
        Tag tag = new Tag.Converter().convert(text);
        return new KeepRule.Tagged(tag.name(), Optional.of(tag.value()));
      }
      if (text.isEmpty()) {
        throw new TypeConversionException("'' is not of the form NAME or NAME=VALUE");
      }
      return new KeepRule.Tagged(text, Optional.empty());
    }
  }
}
