package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.engine.testkit.Records;
import io.nbdvault.qmp.block.DirtyBitmap;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CheckpointProofTest {
  private static final long SIZE = 1 << 20;
  private static final List<String> CHAIN = List.of("/images/top.qcow2", "/images/base.qcow2");
  private static final DirtyBitmap GOOD =
      new DirtyBitmap("cp", 65536, 131072, true, false, true, false);

  @Test
  void bitmapThatAgreesWithTheRecordIsTrusted() {
    CheckpointProof.Verdict verdict = judge(persistent(), found(GOOD));
    assertThat(verdict.bitmap()).contains(GOOD);
    assertThat(verdict.fullReason()).isEmpty();
  }

  @Test
  void bitmapIsFoundAmongOthers() {
    DirtyBitmap nameless = new DirtyBitmap("", 4096, 0, true, true, false, false);
    DirtyBitmap other = new DirtyBitmap("cp2", 65536, 0, true, false, true, false);
    CheckpointProof.Found found =
        new CheckpointProof.Found(
            SIZE, false, CHAIN, List.of(nameless, other, GOOD), Optional.empty());
    assertThat(judge(persistent(), found).bitmap()).contains(GOOD);
  }

  @Test
  void readOnlyDiskHasNone() {
    CheckpointProof.Found found =
        new CheckpointProof.Found(SIZE, true, CHAIN, List.of(GOOD), Optional.empty());
    assertFull(judge(persistent(), found), "the disk is read-only and has no bitmap");
  }

  @Test
  void firstBackupHasNone() {
    assertFull(CheckpointProof.judge(Optional.empty(), found(GOOD)), "first backup of this disk");
  }

  @Test
  void lastSnapshotWithoutACheckpointHasNone() {
    assertFull(
        CheckpointProof.judge(
            Optional.of(Records.disk("vda", SIZE, Optional.empty())), found(GOOD)),
        "its last snapshot left no bitmap");
  }

  @Test
  void anotherSizeIsNoticed() {
    CheckpointProof.Found found =
        new CheckpointProof.Found(SIZE + 512, false, CHAIN, List.of(GOOD), Optional.empty());
    assertFull(judge(persistent(), found), "its size changed from 1048576 to 1049088 bytes");
  }

  @Test
  void anotherImageOnTopIsNoticed() {
    CheckpointProof.Found found =
        new CheckpointProof.Found(
            SIZE, false, List.of("/images/new.qcow2"), List.of(GOOD), Optional.empty());
    assertFull(
        judge(persistent(), found),
        "its images changed from [/images/top.qcow2, /images/base.qcow2] to [/images/new.qcow2] (an"
            + " external snapshot?)");
  }

  @Test
  void missingBitmapIsNoticed() {
    assertFull(
        judge(persistent(), found(bitmap("cp2", 65536, true, false, true, false))),
        "the bitmap of its last snapshot is missing");
  }

  @Test
  void inconsistentBitmapIsNotTrusted() {
    assertFull(
        judge(persistent(), found(bitmap("cp", 65536, false, false, true, true))),
        "the bitmap of its last snapshot is inconsistent (QEMU was not shut down)");
  }

  @Test
  void bitmapThatStoppedRecordingIsNotTrusted() {
    assertFull(
        judge(persistent(), found(bitmap("cp", 65536, false, false, true, false))),
        "the bitmap of its last snapshot was not recording");
  }

  @Test
  void busyBitmapIsNotUsed() {
    assertFull(
        judge(persistent(), found(bitmap("cp", 65536, true, true, true, false))),
        "the bitmap of its last snapshot is in use by something else");
  }

  @Test
  void bitmapOfAnotherGranularityOrKindIsNotTheOneRecorded() {
    String reason = "the bitmap of its last snapshot is not the one that was recorded";
    assertFull(judge(persistent(), found(bitmap("cp", 4096, true, false, true, false))), reason);
    assertFull(judge(persistent(), found(bitmap("cp", 65536, true, false, false, false))), reason);
    assertFull(judge(transientOf(Optional.of("1:2:boot")), foundIn("1:2:boot", GOOD)), reason);
  }

  @Test
  void transientBitmapIsTrustedOnlyInTheProcessThatItBeganIn() {
    DirtyBitmap bitmap = bitmap("cp", 65536, true, false, false, false);
    String reason = "QEMU was restarted, and this image cannot keep a bitmap";
    assertThat(judge(transientOf(Optional.of("1:2:boot")), foundIn("1:2:boot", bitmap)).bitmap())
        .contains(bitmap);
    assertFull(judge(transientOf(Optional.of("1:2:boot")), foundIn("1:3:boot", bitmap)), reason);
    assertFull(judge(transientOf(Optional.of("1:2:boot")), found(bitmap)), reason);
    assertFull(judge(transientOf(Optional.empty()), found(bitmap)), reason);
  }

  @Test
  void transientBitmapIsNotTrustedWhenTheMarkAtTheDisksEndIsGone() {
    DirtyBitmap bitmap = bitmap("cp", 65536, true, false, false, false);
    String reason = "its size was changed, and changed back, since its last snapshot";
    Checkpoint recorded = transientOf(Optional.of("1:2:boot"));
    assertFull(judge(recorded, foundIn("1:2:boot", bitmap, sizeMark(0))), reason);
    assertFull(judge(recorded, foundIn("1:2:boot", bitmap, bitmap)), reason);
  }

  private static DirtyBitmap bitmap(
      String name,
      long granularity,
      boolean recording,
      boolean busy,
      boolean persistent,
      boolean inconsistent) {
    return new DirtyBitmap(name, granularity, 0, recording, busy, persistent, inconsistent);
  }

  private static Checkpoint persistent() {
    return new Checkpoint("cp", 65536, true, CHAIN, Optional.empty());
  }

  private static Checkpoint transientOf(Optional<String> process) {
    return new Checkpoint("cp", 65536, false, CHAIN, process);
  }

  private static CheckpointProof.Found found(DirtyBitmap bitmap) {
    return new CheckpointProof.Found(SIZE, false, CHAIN, List.of(bitmap), Optional.empty());
  }

  private static CheckpointProof.Found foundIn(String process, DirtyBitmap bitmap) {
    return foundIn(process, bitmap, sizeMark(65536));
  }

  private static CheckpointProof.Found foundIn(
      String process, DirtyBitmap bitmap, DirtyBitmap mark) {
    return new CheckpointProof.Found(
        SIZE, false, CHAIN, List.of(bitmap, mark), Optional.of(process));
  }

  private static DirtyBitmap sizeMark(long countBytes) {
    return new DirtyBitmap("nbdvault-size-cp", 65536, countBytes, false, false, false, false);
  }

  private static CheckpointProof.Verdict judge(Checkpoint recorded, CheckpointProof.Found found) {
    DiskRecord disk = Records.disk("vda", SIZE, Optional.of(recorded));
    return CheckpointProof.judge(Optional.of(disk), found);
  }

  private static void assertFull(CheckpointProof.Verdict verdict, String reason) {
    assertThat(verdict.fullReason()).contains(reason);
    assertThat(verdict.bitmap()).isEmpty();
  }
}
