package io.nbdvault.engine.serve;

import io.nbdvault.engine.catalog.SnapshotSelector;
import java.util.Optional;

/**
 * An export's name, {@code VM/DISK@SNAPSHOT}. Names of VMs and disks have no {@code /} and no
 * {@code @}, so there is one way to read it.
 *
 * @param snapshot digits of an id, {@code latest}, or a time, as {@code SnapshotSelector} takes
 *     them
 */
record ExportName(String vm, String disk, String snapshot) {
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
    return SnapshotSelector.isIdPrefix(snapshot) ? snapshot : vm + "@" + snapshot;
  }

  @Override
  public String toString() {
    return vm + "/" + disk + "@" + snapshot;
  }
}
