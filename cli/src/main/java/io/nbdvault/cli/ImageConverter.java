package io.nbdvault.cli;

import io.nbdvault.engine.source.BackupRequest;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads {@code NAME=FILE,format=raw|qcow2}. A file's name may hold commas and equals signs: the
 * first {@code =} ends the disk's name and the last {@code ,format=} the file's.
 */
final class ImageConverter implements ITypeConverter<BackupRequest.Image> {
  private static final Pattern IMAGE = Pattern.compile("([^=]+)=(.+),format=([^,]*)");

  @Override
  public BackupRequest.Image convert(String text) {
    Matcher matcher = IMAGE.matcher(text);
    if (!matcher.matches()) {
      throw refused(text, "is not of the form NAME=FILE,format=raw|qcow2");
    }
    String format = matcher.group(3);
    if (!format.equals("raw") && !format.equals("qcow2")) {
      throw refused(text, "has the format '" + format + "' (expected: raw or qcow2)");
    }
    try {
      return new BackupRequest.Image(matcher.group(1), Path.of(matcher.group(2)), format);
    } catch (InvalidPathException e) {
      throw refused(text, "names no file: " + e.getReason());
    }
  }

  private static TypeConversionException refused(String text, String why) {
    return new TypeConversionException("'" + text + "' " + why);
  }
}
