package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.source.VmHistory;
import io.nbdvault.engine.testkit.Records;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BitmapRuleTest {
  private static final String REPOSITORY = "a".repeat(32);
  private static final RunNames FIRST = new RunNames(REPOSITORY, new SnapshotId("1".repeat(32)));
  private static final RunNames SECOND = new RunNames(REPOSITORY, new SnapshotId("2".repeat(32)));
  private static final RunNames DEAD = new RunNames(REPOSITORY, new SnapshotId("d".repeat(32)));
  private static final RunNames WEEKLY = new RunNames(REPOSITORY, new SnapshotId("e".repeat(32)));

  /** {@code vda} was in the second snapshot, {@code vdb} only in the first. */
  private static final VmHistory HISTORY =
      VmHistory.of(
          "vm",
          List.of(
              snapshot(FIRST, "vm", 1, "vda", "vdb"),
              snapshot(SECOND, "vm", 2, "vda"),
              snapshot(WEEKLY, "weekly", 3, "vda")));

  /** A run for {@code vda} alone. */
  private static final BitmapRule RULE =
      new BitmapRule(REPOSITORY, HISTORY, List.of(disk("vda", "node-a")));

  @Test
  void latestCheckpointOfADiskStays() {
    assertThat(RULE.isStale("node-a", SECOND.checkpointBitmap())).isFalse();
  }

  @Test
  void earlierCheckpointsAndThoseOfDeadRunsGo() {
    assertThat(RULE.isStale("node-a", FIRST.checkpointBitmap())).isTrue();
    assertThat(RULE.isStale("node-a", DEAD.checkpointBitmap())).isTrue();
    assertThat(RULE.isStale("node-a", DEAD.exportBitmap())).isTrue();
    assertThat(RULE.isStale("node-a", SECOND.exportBitmap())).isTrue();
  }

  @Test
  void diskThatTheRunLeavesOutKeepsItsCheckpoint() {
    assertThat(RULE.isStale("node-b", FIRST.checkpointBitmap())).isFalse();
    assertThat(RULE.isStale("node-b", DEAD.checkpointBitmap())).isTrue();
    String committed = DEAD.checkpointBitmap();
    assertThat(RULE.isStaleAfter(committed, "node-b", FIRST.checkpointBitmap())).isFalse();
  }

  @Test
  void checkpointOfAnotherNameInTheSameRepositoryStays() {
    assertThat(RULE.isStale("node-a", WEEKLY.checkpointBitmap())).isFalse();
    assertThat(RULE.isStaleAfter(DEAD.checkpointBitmap(), "node-a", WEEKLY.checkpointBitmap()))
        .isFalse();
  }

  @Test
  void afterTheCommitTheNewCheckpointCountsAndThePreviousOneGoes() {
    String committed = DEAD.checkpointBitmap();
    assertThat(RULE.isStaleAfter(committed, "node-a", committed)).isFalse();
    assertThat(RULE.isStaleAfter(committed, "node-a", SECOND.checkpointBitmap())).isTrue();
    assertThat(RULE.isStaleAfter(committed, "node-a", DEAD.exportBitmap())).isTrue();
  }

  @Test
  void bitmapsOfOtherRepositoriesAndProgramsAreNeverJudged() {
    RunNames other = new RunNames("b".repeat(32), new SnapshotId("1".repeat(32)));
    for (String name :
        List.of(other.checkpointBitmap(), other.exportBitmap(), "libvirt-1", "", "nbdvault-cp-x")) {
      assertThat(RULE.isStale("node-a", name)).as(name).isFalse();
      assertThat(RULE.isStaleAfter(DEAD.checkpointBitmap(), "node-a", name)).as(name).isFalse();
    }
  }

  @Test
  void withoutAHistoryEverythingOfTheRepositoryGoes() {
    BitmapRule rule =
        new BitmapRule(REPOSITORY, VmHistory.of("vm", List.of()), List.of(disk("vda", "node-a")));
    assertThat(rule.isStale("node-a", FIRST.checkpointBitmap())).isTrue();
    assertThat(rule.isStale("node-b", FIRST.checkpointBitmap())).isTrue();
  }

  private static SnapshotRecord snapshot(RunNames names, String vm, long second, String... disks) {
    return Records.snapshot(
        names.snapshotId(),
        vm,
        second,
        Arrays.stream(disks)
            .map(disk -> Records.disk(disk, Optional.of(names.checkpointBitmap())))
            .toArray(DiskRecord[]::new));
  }

  private static LiveDisk disk(String name, String node) {
    return new LiveDisk(
        name, node, "qcow2", 1 << 20, false, true, 0, List.of("/images/" + name), List.of());
  }
}
