package io.nbdvault.cli;

import io.nbdvault.engine.source.BackupRequest.Freeze;
import picocli.CommandLine.ITypeConverter;

/** Reads when the guest is frozen. */
final class FreezeConverter implements ITypeConverter<Freeze> {
  @Override
  public Freeze convert(String text) {
    return Choice.parse(Freeze.class, text);
  }
}
