package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.StoreStatistics;
import java.util.OptionalDouble;

/**
 * What sharing and compressing save: how many bytes one byte stands for. Empty where there is
 * nothing.
 *
 * @param deduplication data of all snapshots, to the distinct data of which they are made
 * @param compression that distinct data, to the records in which it lies
 */
record Ratios(OptionalDouble deduplication, OptionalDouble compression) {
  static Ratios of(StoreStatistics statistics) {
    ContentTotals reachable = statistics.reachable();
    return new Ratios(
        ratio(statistics.dataBytes(), reachable.plainBytes()),
        ratio(reachable.plainBytes(), reachable.chunkStoredBytes()));
  }

  /** To the hundredth. */
  private static OptionalDouble ratio(long whole, long part) {
    return part == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(Math.round(100.0 * whole / part) / 100.0);
  }
}
