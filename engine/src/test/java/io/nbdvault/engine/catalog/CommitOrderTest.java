package io.nbdvault.engine.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.Records;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CommitOrderTest {
  @Test
  void snapshotComesAfterItsParentWhateverTheClockSaid() {
    SnapshotRecord first = Records.snapshot(SnapshotId.random(), "vm", 100);
    SnapshotRecord ahead = childOf(first, 9_000_000);
    SnapshotRecord corrected = childOf(ahead, 200);
    assertThat(CommitOrder.of(List.of(corrected, ahead, first)))
        .containsExactly(first, ahead, corrected);
    assertThat(SnapshotSelector.latest(List.of(first, corrected, ahead), "vm")).contains(corrected);
  }

  @Test
  void timeDecidesWhereTheParentHasBeenForgotten() {
    SnapshotRecord forgotten = Records.snapshot(SnapshotId.random(), "vm", 100);
    SnapshotRecord later = childOf(forgotten, 300);
    SnapshotRecord earlier = childOf(forgotten, 200);
    assertThat(CommitOrder.of(List.of(later, earlier))).containsExactly(earlier, later);
  }

  @Test
  void numberOfTheCommitDecidesWhereAClockWasAheadAndTheParentsAreReclaimed() {
    SnapshotRecord reclaimed = Records.snapshot(SnapshotId.random(), "vm", 100);
    SnapshotRecord ahead = childOf(reclaimed, 9_000_000).withCommit(7);
    SnapshotRecord alsoReclaimed = childOf(ahead, 200);
    SnapshotRecord corrected = childOf(alsoReclaimed, 300).withCommit(12);
    assertThat(CommitOrder.of(List.of(corrected, ahead))).containsExactly(ahead, corrected);
    assertThat(SnapshotSelector.latest(List.of(ahead, corrected), "vm")).contains(corrected);
  }

  @Test
  void snapshotsWithoutANumberComeBeforeAllThatHaveOne() {
    SnapshotRecord ahead = Records.snapshot(SnapshotId.random(), "vm", 9_000_000);
    SnapshotRecord child = childOf(ahead, 100);
    SnapshotRecord numbered = childOf(child, 50).withCommit(2);
    assertThat(CommitOrder.of(List.of(numbered, child, ahead)))
        .containsExactly(ahead, child, numbered);
  }

  private static SnapshotRecord childOf(SnapshotRecord parent, long second) {
    SnapshotRecord child = Records.snapshot(SnapshotId.random(), parent.vm(), second);
    return new SnapshotRecord(
        child.id(),
        child.vm(),
        child.vmUuid(),
        child.time(),
        child.consistency(),
        Optional.of(parent.id()),
        child.disks(),
        child.skipped(),
        child.statistics(),
        child.tags(),
        child.qemuVersion(),
        child.vmConfiguration());
  }
}
