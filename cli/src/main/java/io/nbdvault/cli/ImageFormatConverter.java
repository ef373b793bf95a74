package io.nbdvault.cli;

import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import picocli.CommandLine.ITypeConverter;

/** Reads the format of a new image. */
final class ImageFormatConverter implements ITypeConverter<ImageFormat> {
  @Override
  public ImageFormat convert(String text) {
    return Choice.parse(ImageFormat.class, text);
  }
}
