package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The file {@code incomplete}: a repair could not bring back everything, so what no snapshot needs
 * may be what a lost one needed. While it is there nothing is reclaimed, whatever it says. A file,
 * and not a row, so that it outlives whatever becomes of the database.
 */
final class LossMark {
  private static final int BYTES_MAX = 64 << 10;
  private static final int LINES_MAX = 300;
  private static final int LINE_CHARACTERS_MAX = 200;

  private final RepositoryDirectory directory;

  LossMark(RepositoryDirectory directory) {
    this.directory = directory;
  }

  /** What was lost, a line each; empty if nothing was, or if somebody has acknowledged it. */
  Optional<List<String>> read() throws StoreException {
    try (InputStream in = Files.newInputStream(directory.incomplete())) {
      String text = new String(in.readNBytes(BYTES_MAX), StandardCharsets.UTF_8);
      return Optional.of(text.lines().filter(line -> !line.isBlank()).toList());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "reading what a repair has lost", e);
    }
  }

  /** What is lost, as one item; empty if nothing is. */
  Optional<DamagedItem> damage() throws StoreException {
    return read()
        .map(
            lines ->
                new DamagedItem(
                    "the catalog",
                    "a repair could not bring back all of it"
                        + (lines.isEmpty() ? "" : ": " + lines.get(0))
                        + (lines.size() > 1 ? ", and " + (lines.size() - 1) + " more" : "")
                        + "; nothing is reclaimed until this is acknowledged by"
                        + " `nbdvault repair --acknowledge`"));
  }

  /** Refuses to go on while losses are not acknowledged. */
  void requireNone() throws StoreException {
    Optional<DamagedItem> damage = damage();
    if (damage.isPresent()) {
      DamagedItem item = damage.get();
      throw new DamagedException(item.what(), OptionalLong.empty(), item.reason(), null);
    }
  }

  /** Adds what was lost. It is durable when this returns. */
  void add(List<DamagedItem> lost) throws StoreException {
    Set<String> lines = new LinkedHashSet<>(read().orElse(List.of()));
    for (DamagedItem item : lost) {
      String line = (item.what() + ": " + item.reason()).replaceAll("\\p{Cntrl}", " ");
      lines.add(line.substring(0, Math.min(line.length(), LINE_CHARACTERS_MAX)));
    }
    List<String> bounded = new ArrayList<>(lines);
    if (bounded.size() > LINES_MAX) {
      bounded.subList(LINES_MAX, bounded.size()).clear();
    }
    try {
      Database.beforeChange.run();
      directory.writeIncomplete(
          (String.join("\n", bounded) + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "writing down what a repair has lost", e);
    }
  }

  /** Takes the file away, into quarantine. Durable when this returns. */
  List<String> acknowledge() throws StoreException {
    Optional<List<String>> lost = read();
    if (lost.isPresent()) {
      try {
        new Quarantine(directory).takeIn(directory.incomplete(), "incomplete");
      } catch (IOException e) {
        throw StoreErrors.of(directory.location(), "acknowledging what a repair has lost", e);
      }
    }
    return lost.orElse(List.of());
  }
}
