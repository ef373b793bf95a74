package io.nbdvault.chunkstore;

import java.util.OptionalLong;

/** Another process, or another part of this one, has the repository open. */
public final class RepositoryInUseException extends StoreException {
  private static final long serialVersionUID = 1;
  private static final long UNKNOWN = -1;

  private final long holderPid;

  /**
   * Makes the exception.
   *
   * @param location the repository
   * @param holderPid the process that has it open, if that is known
   */
  public RepositoryInUseException(String location, OptionalLong holderPid) {
    super(message(location, holderPid), null);
    this.holderPid = holderPid.orElse(UNKNOWN);
  }

  /** The process that has the repository open, if that is known. */
  public OptionalLong holderPid() {
    return holderPid == UNKNOWN ? OptionalLong.empty() : OptionalLong.of(holderPid);
  }

  private static String message(String location, OptionalLong holderPid) {
    String holder = holderPid.isPresent() ? "process " + holderPid.getAsLong() : "another process";
    return "The repository " + location + " is in use by " + holder + ".";
  }
}
