package io.nbdvault.engine.serve;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An export's name, {@code VM/DISK@SNAPSHOT}. Names of VMs and disks have no {@code /} and no
 * {@code @}, so there is one way to read it.
 *
 * @param snapshot digits of an id, {@code latest}, or a time, as {@code SnapshotSelector} takes
 *     them
 */
record ExportName(String vm, String disk, String snapshot) {
  /** What an id begins with; no time is like that. */
  static final Pattern ID_PREFIX = Pattern.compile("[0-9a-fA-F]{4,32}");

  static Optional<ExportName> parse(String text) {
    int slash = text.indexOf('/');
    int at = text.indexOf('@');
    boolean isName =
        slash > 0
            && at > slash + 1
            && at < text.length() - 1
            && slash == text.lastIndexOf('/')
            && at == text.lastIndexOf('@');
    return isName
        ? Optional.of(
            new ExportName(
                text.substring(0, slash), text.substring(slash + 1, at), text.substring(at + 1)))
        : Optional.empty();
  }

  /** The snapshot as {@code SnapshotSelector} takes it. */
  String selector() {
    return ID_PREFIX.matcher(snapshot).matches() ? snapshot : vm + "@" + snapshot;
  }

  @Override
  public String toString() {
    return vm + "/" + disk + "@" + snapshot;
  }
}
