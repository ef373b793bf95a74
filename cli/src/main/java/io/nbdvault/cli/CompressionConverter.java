package io.nbdvault.cli;

import io.nbdvault.chunkstore.Compression;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the name of a compression. */
final class CompressionConverter implements ITypeConverter<Compression> {
  @Override
  public Compression convert(String text) {
    try {
      return Compression.parse(text);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }
}
