package io.nbdvault.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A tag as it is given on the command line. */
record Tag(String name, String value) {

  /** Reads {@code NAME=VALUE}; the first {@code =} ends the name, and the value may be empty. */
  static final class Converter implements ITypeConverter<Tag> {
    @Override
    public Tag convert(String text) {
      int equals = text.indexOf('=');
      if (equals < 1 || text.chars().anyMatch(Character::isISOControl)) {
        throw new TypeConversionException(
            "'" + text + "' is not of the form NAME=VALUE, such as reason=upgrade");
      }
      return new Tag(text.substring(0, equals), text.substring(equals + 1));
    }
  }
}
