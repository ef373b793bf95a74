package io.nbdvault.cli;

import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.nbd.NbdUri;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code NAME=URI}; the first {@code =} ends the disk's name. */
final class NbdExportConverter implements ITypeConverter<BackupRequest.NbdExport> {
  @Override
  public BackupRequest.NbdExport convert(String text) {
    int equals = text.indexOf('=');
    // "nbd+unix:///?socket=PATH" without a name has an equals sign too.
    if (equals < 1 || text.substring(0, equals).contains("/")) {
      throw new TypeConversionException(
          "'" + text + "' is not of the form NAME=URI, such as vda=nbd://host/export");
    }
    try {
      return new BackupRequest.NbdExport(
          text.substring(0, equals), NbdUri.parse(text.substring(equals + 1)));
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }
}
