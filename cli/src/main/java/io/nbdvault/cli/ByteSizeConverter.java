package io.nbdvault.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of bytes: plain, or with K, M, G or T for a power of 1024. */
final class ByteSizeConverter implements ITypeConverter<Long> {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,19})([KMGT]?)");
  private static final String SUFFIXES = "KMGT";
  private static final int STEP_BITS = 10;

  @Override
  public Long convert(String text) {
    Matcher matcher = SIZE.matcher(text.toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw refused(text);
    }
    String suffix = matcher.group(2);
    int power = suffix.isEmpty() ? 0 : SUFFIXES.indexOf(suffix) + 1;
    try {
      return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << (STEP_BITS * power));
    } catch (ArithmeticException | NumberFormatException e) {
      throw refused(text);
    }
  }

  private static TypeConversionException refused(String text) {
    return new TypeConversionException(
        "'" + text + "' is not a number of bytes (expected: such as 65536, 64K, 10M or 1G)");
  }
}
