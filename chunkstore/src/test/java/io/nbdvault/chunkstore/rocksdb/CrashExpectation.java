package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.SnapshotId;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** What may have become of the snapshots of a {@link Scenario}, by what was said of it. */
final class CrashExpectation {
  /** What may be found of a snapshot. */
  enum Fate {
    /** Nothing. */
    ABSENT,
    /** It can be read. */
    KEPT,
    /** It is forgotten and can be brought back. */
    FORGOTTEN,
    /** It is forgotten and cannot be brought back. */
    CONDEMNED
  }

  private final Map<ScenarioDisk, SnapshotId> ids = new EnumMap<>(ScenarioDisk.class);
  private final Map<ScenarioDisk, Set<Fate>> fates = new EnumMap<>(ScenarioDisk.class);
  private final Set<String> said = new HashSet<>();
  private int changes;

  /** Takes what was said before a process began, and what that says until its end. */
  static CrashExpectation read(List<String> before, BufferedReader says) throws IOException {
    CrashExpectation expectation = new CrashExpectation();
    before.forEach(expectation::note);
    for (String line = says.readLine(); line != null; line = says.readLine()) {
      expectation.note(line);
    }
    return expectation;
  }

  private void note(String line) {
    said.add(line);
    String[] words = line.split(" ", -1);
    if (words[0].equals("end")) {
      changes = Integer.parseInt(words[1]);
      return;
    }
    boolean done = words[0].equals("done");
    switch (words[1]) {
      case "commit" -> {
        ScenarioDisk disk = ScenarioDisk.valueOf(words[2]);
        if (!done) {
          ids.put(disk, new SnapshotId(words[3]));
        }
        fates.put(disk, done ? EnumSet.of(Fate.KEPT) : EnumSet.of(Fate.ABSENT, Fate.KEPT));
      }
      case "forget" -> {
        for (int i = 2; i < words.length; i++) {
          become(ScenarioDisk.valueOf(words[i]), done, Fate.KEPT, Fate.FORGOTTEN);
        }
      }
      case "undelete" -> become(ScenarioDisk.valueOf(words[2]), done, Fate.FORGOTTEN, Fate.KEPT);
      case "collect" -> collect(done);
      case "put", "flag", "repair" -> {}
      default -> throw new AssertionError(String.join(" ", words));
    }
  }

  private void become(ScenarioDisk disk, boolean done, Fate before, Fate after) {
    fates.put(disk, done ? EnumSet.of(after) : EnumSet.of(before, after));
  }

  /** In the scenario no snapshot is forgotten while it is the parent of a session. */
  private void collect(boolean done) {
    for (Map.Entry<ScenarioDisk, Set<Fate>> entry : fates.entrySet()) {
      if (entry.getValue().contains(Fate.FORGOTTEN)) {
        entry.setValue(
            done
                ? EnumSet.of(Fate.ABSENT)
                : EnumSet.of(Fate.FORGOTTEN, Fate.CONDEMNED, Fate.ABSENT));
      }
    }
  }

  /** Whether that was said. */
  boolean isSaid(String line) {
    return said.contains(line);
  }

  /** How many changes there were, if the process did all that it had to do; else 0. */
  int changes() {
    return changes;
  }

  /** The snapshots that there may be. */
  Map<ScenarioDisk, SnapshotId> ids() {
    return ids;
  }

  /** What was found of a snapshot, which must be one of what may be. */
  Fate fate(ScenarioDisk disk, List<CatalogEntry> catalog) {
    SnapshotId id = Objects.requireNonNull(ids.get(disk));
    Fate found =
        catalog.stream()
            .filter(entry -> entry.record().id().equals(id))
            .findFirst()
            .map(CrashExpectation::fateOf)
            .orElse(Fate.ABSENT);
    assertThat(fates.get(disk)).as("snapshot %s of disk %s", id, disk).contains(found);
    return found;
  }

  private static Fate fateOf(CatalogEntry entry) {
    if (entry.isKept()) {
      return Fate.KEPT;
    }
    return entry.state().condemned() ? Fate.CONDEMNED : Fate.FORGOTTEN;
  }
}
