package io.nbdvault.engine.qemu;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.qmp.block.DirtyBitmap;
import java.util.List;
import java.util.Optional;

/**
 * Decides whether a bitmap found in a QEMU may be trusted to hold everything that was written since
 * a committed snapshot. Name, size, images, granularity, recording, consistency and, beside a
 * transient bitmap, the {@link SizeMark} must all agree with what the repository recorded; whatever
 * does not is a reason to read the disk in full, which is always right.
 */
final class CheckpointProof {
  private CheckpointProof() {}

  /**
   * A disk as a QEMU has it now.
   *
   * @param imageChain its images, the top one first, as absolute paths where they are files
   * @param processIdentity the QEMU process; empty when it cannot be told
   */
  record Found(
      long sizeBytes,
      boolean readOnly,
      List<String> imageChain,
      List<DirtyBitmap> bitmaps,
      Optional<String> processIdentity) {}

  /** The outcome: a bitmap, or why there is none. Exactly one of the two is there. */
  record Verdict(Optional<DirtyBitmap> bitmap, Optional<String> fullReason) {
    static Verdict full(String reason) {
      return new Verdict(Optional.empty(), Optional.of(reason));
    }
  }

  /** Judges one disk against its latest snapshot in the repository, if it has one. */
  static Verdict judge(Optional<DiskRecord> recorded, Found found) {
    if (found.readOnly()) {
      return Verdict.full("the disk is read-only and has no bitmap");
    }
    if (recorded.isEmpty()) {
      return Verdict.full("first backup of this disk");
    }
    if (recorded.get().checkpoint().isEmpty()) {
      return Verdict.full("its last snapshot left no bitmap");
    }
    if (recorded.get().sizeBytes() != found.sizeBytes()) {
      return Verdict.full(
          "its size changed from "
              + recorded.get().sizeBytes()
              + " to "
              + found.sizeBytes()
              + " bytes");
    }
    return judge(recorded.get().checkpoint().get(), found);
  }

  private static Verdict judge(Checkpoint checkpoint, Found found) {
    if (!checkpoint.imageChain().equals(found.imageChain())) {
      return Verdict.full(
          "its images changed from "
              + checkpoint.imageChain()
              + " to "
              + found.imageChain()
              + " (an external snapshot?)");
    }
    if (!checkpoint.persistent()
        && (checkpoint.processIdentity().isEmpty()
            || !checkpoint.processIdentity().equals(found.processIdentity()))) {
      return Verdict.full("QEMU was restarted, and this image cannot keep a bitmap");
    }
    List<DirtyBitmap> named =
        found.bitmaps().stream().filter(b -> b.name().equals(checkpoint.bitmapName())).toList();
    if (named.isEmpty()) {
      return Verdict.full("the bitmap of its last snapshot is missing");
    }
    if (!checkpoint.persistent() && !SizeMark.isWhole(found.bitmaps(), checkpoint.bitmapName())) {
      return Verdict.full("its size was changed, and changed back, since its last snapshot");
    }
    return judge(checkpoint, named.get(0));
  }

  private static Verdict judge(Checkpoint checkpoint, DirtyBitmap bitmap) {
    if (bitmap.inconsistent()) {
      return Verdict.full(
          "the bitmap of its last snapshot is inconsistent (QEMU was not shut down)");
    }
    if (!bitmap.recording()) {
      return Verdict.full("the bitmap of its last snapshot was not recording");
    }
    if (bitmap.busy()) {
      return Verdict.full("the bitmap of its last snapshot is in use by something else");
    }
    if (bitmap.granularityBytes() != checkpoint.granularityBytes()
        || bitmap.persistent() != checkpoint.persistent()) {
      return Verdict.full("the bitmap of its last snapshot is not the one that was recorded");
    }
    return new Verdict(Optional.of(bitmap), Optional.empty());
  }
}
