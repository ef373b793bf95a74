package io.nbdvault.chunkstore.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** What happened, for a reader. Kept only where somebody is going to read it. */
final class Trace {
  private final boolean kept;
  private final List<String> lines = new ArrayList<>();

  Trace(boolean kept) {
    this.kept = kept;
  }

  void note(Supplier<String> line) {
    if (kept) {
      lines.add(line.get());
    }
  }

  List<String> lines() {
    return List.copyOf(lines);
  }
}
