package io.nbdvault.chunkstore;

import java.io.IOException;

/** Is shown in which chunks two disks differ. */
@FunctionalInterface
public interface ChangeVisitor {
  /**
   * Is shown the chunks {@code [first, end)}, all of which differ, as many as there are in a row.
   *
   * @return false to be shown no more
   */
  boolean visit(long first, long end) throws IOException;
}
