package io.nbdvault.nbd.bulk;

import java.util.ArrayList;
import java.util.List;

/**
 * One request's worth of data: where it lies, and the runs in it that are wanted.
 *
 * @param wanted at least one run; the first begins the piece and the last ends it
 */
record Piece(List<Run> wanted) {
  Piece {
    wanted = List.copyOf(wanted);
  }

  /**
   * Takes the next piece: as much of the first run as one request may carry, and further runs as
   * long as they begin soon enough and fit in whole or in part.
   *
   * @param runs not empty
   */
  static Piece takeFrom(Runs runs, int requestBytes, int mergeGapBytes) {
    List<Run> wanted = new ArrayList<>(1);
    Run taken = runs.take(requestBytes);
    long endMax = taken.offsetBytes() + requestBytes;
    wanted.add(taken);
    for (Run next = runs.first(); next != null; next = runs.first()) {
      if (next.offsetBytes() - taken.endBytes() > mergeGapBytes || next.offsetBytes() >= endMax) {
        break;
      }
      taken = runs.take(endMax - next.offsetBytes());
      wanted.add(taken);
    }
    return new Piece(wanted);
  }

  long offsetBytes() {
    return wanted.get(0).offsetBytes();
  }

  int lengthBytes() {
    return (int) (wanted.get(wanted.size() - 1).endBytes() - offsetBytes());
  }
}
