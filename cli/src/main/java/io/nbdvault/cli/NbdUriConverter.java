package io.nbdvault.cli;

import io.nbdvault.nbd.NbdUri;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an NBD URI. */
final class NbdUriConverter implements ITypeConverter<NbdUri> {
  @Override
  public NbdUri convert(String text) {
    try {
      return NbdUri.parse(text);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }
}
