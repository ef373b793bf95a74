package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.CommitOrder;
import io.nbdvault.engine.catalog.SnapshotSelector;
import io.nbdvault.nbd.protocol.WireString;
import io.nbdvault.nbd.server.ExportProvider.NameVisitor;
import io.nbdvault.nbd.server.NoSuchExportException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The names of exports and contexts in one moment of the repository. A name is found by reading it,
 * so nothing is kept for each disk of each snapshot.
 */
record ExportCatalog(Moment moment) {
  private static final String LATEST = "latest";

  /** What a name means. */
  record Found(SnapshotRecord snapshot, DiskRecord disk) {}

  /**
   * Finds what a name means.
   *
   * @throws NoSuchExportException with the reason, escaped
   */
  Found find(String name) throws NoSuchExportException {
    ExportName parsed =
        ExportName.parse(name)
            .orElseThrow(
                () -> noSuch("'" + name + "' is not of the form VM/DISK@SNAPSHOT or @latest"));
    SnapshotRecord snapshot;
    try {
      snapshot = SnapshotSelector.select(moment.snapshots(), parsed.selector());
    } catch (JobException e) {
      throw noSuch("export '" + name + "': " + JobException.sentence(e));
    }
    if (!snapshot.vm().equals(parsed.vm())) {
      throw noSuch(
          "snapshot "
              + parsed.snapshot()
              + " is of VM '"
              + snapshot.vm()
              + "', not "
              + parsed.vm());
    }
    DiskRecord disk =
        snapshot.disk(parsed.disk()).orElseThrow(() -> noDisk(snapshot, parsed.disk()));
    return new Found(snapshot, disk);
  }

  private NoSuchExportException noDisk(SnapshotRecord snapshot, String disk) {
    String disks =
        snapshot.disks().stream().map(DiskRecord::name).collect(Collectors.joining(", "));
    return noSuch(
        "snapshot "
            + moment.shown(snapshot.id())
            + " has no disk '"
            + disk
            + "' (it has: "
            + disks
            + ")");
  }

  private static NoSuchExportException noSuch(String message) {
    return new NoSuchExportException(WireString.escape(message));
  }

  /** The name that is shown for a disk of a snapshot. */
  String name(Found found) {
    return name(found.snapshot(), found.disk(), moment.shown(found.snapshot().id()));
  }

  private static String name(SnapshotRecord snapshot, DiskRecord disk, String suffix) {
    return new ExportName(snapshot.vm(), disk.name(), suffix).toString();
  }

  /** A text for people. */
  static String description(Found found) {
    return "disk "
        + found.disk().name()
        + " of "
        + found.snapshot().vm()
        + " at "
        + found.snapshot().time()
        + ", "
        + found.snapshot().consistency().name().toLowerCase(Locale.ROOT)
        + "-consistent";
  }

  /** Shows all names: the VMs by name, of each its latest disks and then all, newest first. */
  void list(NameVisitor visitor) throws IOException {
    Map<String, List<SnapshotRecord>> byVm =
        moment.snapshots().stream()
            .collect(Collectors.groupingBy(SnapshotRecord::vm, TreeMap::new, Collectors.toList()));
    for (List<SnapshotRecord> ofVm : byVm.values()) {
      List<SnapshotRecord> newestFirst = newestFirst(ofVm);
      if (!list(newestFirst.get(0), Optional.of(LATEST), visitor)) {
        return;
      }
      for (SnapshotRecord snapshot : newestFirst) {
        if (!list(snapshot, Optional.empty(), visitor)) {
          return;
        }
      }
    }
  }

  private boolean list(SnapshotRecord snapshot, Optional<String> suffix, NameVisitor visitor)
      throws IOException {
    String shown = suffix.orElse(moment.shown(snapshot.id()));
    for (DiskRecord disk : snapshot.disks()) {
      String description = description(new Found(snapshot, disk));
      if (!visitor.export(name(snapshot, disk, shown), description)) {
        return false;
      }
    }
    return true;
  }

  private static List<SnapshotRecord> newestFirst(List<SnapshotRecord> ofOneVm) {
    List<SnapshotRecord> ordered = new ArrayList<>(CommitOrder.of(ofOneVm));
    Collections.reverse(ordered);
    return ordered;
  }

  /**
   * The metadata contexts that a query selects, as {@code ExportProvider.contexts} says.
   *
   * @param most how many at most
   */
  List<String> contexts(Found found, String query, boolean isListing, int most) {
    if (isListing && query.isEmpty()) {
      List<String> all = new ArrayList<>();
      all.add(Contexts.ALLOCATION);
      all.addAll(changedSince(found, most - 1));
      return all;
    }
    if (query.equals(Contexts.ALLOCATION) || (isListing && query.equals(Contexts.BASE_NAMESPACE))) {
      return List.of(Contexts.ALLOCATION);
    }
    if (query.equals(Contexts.NAMESPACE) || query.equals(Contexts.CHANGED_SINCE)) {
      return isListing ? changedSince(found, most) : List.of();
    }
    // Under the name by which it was asked for: the client compares.
    return earlier(found, query).isPresent() ? List.of(query) : List.of();
  }

  private List<String> changedSince(Found found, int most) {
    List<SnapshotRecord> ofVm =
        moment.snapshots().stream()
            .filter(s -> s.vm().equals(found.snapshot().vm()))
            .filter(s -> s.disk(found.disk().name()).isPresent())
            .toList();
    return newestFirst(ofVm).stream()
        .filter(s -> !s.id().equals(found.snapshot().id()))
        .limit(most)
        .map(s -> Contexts.CHANGED_SINCE + moment.shown(s.id()))
        .toList();
  }

  /** The snapshot of the same VM, with that disk, that a context names. */
  Optional<SnapshotRecord> earlier(Found found, String context) {
    if (!context.startsWith(Contexts.CHANGED_SINCE)) {
      return Optional.empty();
    }
    String prefix = context.substring(Contexts.CHANGED_SINCE.length());
    if (!SnapshotSelector.isIdPrefix(prefix)) {
      return Optional.empty();
    }
    try {
      return Optional.of(SnapshotSelector.select(moment.snapshots(), prefix))
          .filter(s -> s.vm().equals(found.snapshot().vm()))
          .filter(s -> s.disk(found.disk().name()).isPresent());
    } catch (JobException e) {
      return Optional.empty(); // None, or more than one: there is no such context.
    }
  }
}
