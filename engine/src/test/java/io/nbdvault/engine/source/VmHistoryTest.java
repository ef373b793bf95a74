package io.nbdvault.engine.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.Records;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VmHistoryTest {
  private static final SnapshotId A = new SnapshotId("a".repeat(32));
  private static final SnapshotId B = new SnapshotId("b".repeat(32));
  private static final SnapshotId C = new SnapshotId("c".repeat(32));
  private static final SnapshotId D = new SnapshotId("d".repeat(32));

  private static final SnapshotRecord FIRST =
      Records.snapshot(
          A,
          "vm",
          10,
          Records.disk("vda", Optional.of("cp-a-vda")),
          Records.disk("vdb", Optional.of("cp-a-vdb")));
  private static final SnapshotRecord SECOND =
      Records.snapshot(B, "vm", 20, Records.disk("vda", Optional.of("cp-b-vda")));
  private static final SnapshotRecord OF_ANOTHER =
      Records.snapshot(C, "other", 30, Records.disk("vda", Optional.of("cp-c-vda")));
  private static final SnapshotRecord OF_ANOTHER_BEFORE =
      Records.snapshot(D, "other", 5, Records.disk("vda", Optional.of("cp-d-vda")));

  /** In an order that is not that of time. */
  private static final VmHistory HISTORY =
      VmHistory.of("vm", List.of(OF_ANOTHER, SECOND, OF_ANOTHER_BEFORE, FIRST));

  @Test
  void latestIsTheOneOfTheLatestInstantOfThisVm() {
    assertThat(HISTORY.latest()).contains(SECOND);
  }

  @Test
  void diskContinuesFromTheLatestSnapshotThatHasIt() {
    assertThat(HISTORY.disk("vda").orElseThrow().snapshot()).isEqualTo(B);
    assertThat(HISTORY.disk("vdb").orElseThrow().snapshot()).isEqualTo(A);
    assertThat(HISTORY.disk("vdc")).isEmpty();
    assertThat(HISTORY.bitmap("vda")).contains("cp-b-vda");
    assertThat(HISTORY.bitmap("vdb")).contains("cp-a-vdb");
    assertThat(HISTORY.bitmap("vdc")).isEmpty();
  }

  @Test
  void everySnapshotThatADiskContinuesFromIsAParent() {
    assertThat(HISTORY.parents()).containsExactlyInAnyOrder(A, B);
  }

  @Test
  void bitmapsThatDisksContinueFromAreLiveAndEarlierOnesAreNot() {
    assertThat(HISTORY.isLive("cp-b-vda")).isTrue();
    assertThat(HISTORY.isLive("cp-a-vdb")).isTrue();
    assertThat(HISTORY.isLive("cp-a-vda")).isFalse();
    assertThat(HISTORY.isLive("cp-c-vda")).isTrue();
    assertThat(HISTORY.isLive("cp-d-vda")).isFalse();
  }

  @Test
  void bitmapsOfAnotherVmAreLiveElsewhere() {
    assertThat(HISTORY.isLiveElsewhere("cp-c-vda")).isTrue();
    assertThat(HISTORY.isLiveElsewhere("cp-d-vda")).isFalse();
    assertThat(HISTORY.isLiveElsewhere("cp-b-vda")).isFalse();
  }

  @Test
  void diskWhoseLatestSnapshotLeftNoBitmapHasNone() {
    SnapshotRecord third = Records.snapshot(D, "vm", 40, Records.disk("vda", Optional.empty()));
    VmHistory history = VmHistory.of("vm", List.of(FIRST, SECOND, third));
    assertThat(history.bitmap("vda")).isEmpty();
    assertThat(history.isLive("cp-b-vda")).isFalse();
  }

  @Test
  void unknownVmHasNoHistory() {
    VmHistory history = VmHistory.of("new", List.of(FIRST, OF_ANOTHER));
    assertThat(history.latest()).isEmpty();
    assertThat(history.parents()).isEmpty();
    assertThat(history.disk("vda")).isEmpty();
  }
}
