package io.nbdvault.qmp;

import org.jspecify.annotations.Nullable;

/**
 * The peer said no to one command; the session goes on. The fields are those of QMP's error reply
 * (docs/interop/qmp-spec, "error").
 */
public final class QmpCommandException extends QmpException {
  private static final long serialVersionUID = 1L;

  private final String errorClass;
  private final String desc;
  private final String command;

  public QmpCommandException(String errorClass, String desc, String command) {
    this(errorClass, desc, command, null);
  }

  private QmpCommandException(
      String errorClass, String desc, String command, @Nullable Throwable cause) {
    super(command + ": " + desc + " (" + errorClass + ")", cause);
    this.errorClass = errorClass;
    this.desc = desc;
    this.command = command;
  }

  /**
   * Returns the class, almost always {@code GenericError}; {@code CommandNotFound} and {@code
   * DeviceNotFound} are the others worth a test.
   */
  public String errorClass() {
    return errorClass;
  }

  /** Returns the peer's sentence for people, which may differ between releases. */
  public String desc() {
    return desc;
  }

  /** Returns the command that was refused. */
  public String command() {
    return command;
  }

  @Override
  QmpException here() {
    return new QmpCommandException(errorClass, desc, command, this);
  }
}
