package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DiffVisitor;

/** Shows differences as they are found: there may be any number. */
public interface DiffDisplay extends DiffVisitor {
  /** There are no more. */
  void end();
}
