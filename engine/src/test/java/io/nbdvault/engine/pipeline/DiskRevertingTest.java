package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.ExtentKind;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An array that differs from a disk in a real repository becomes that disk. */
class DiskRevertingTest {
  private static final int CHUNK = PipelineFixture.CHUNK;
  private static final int SIZE = 60 * CHUNK + 777;
  private static final int CHUNKS = 61;

  @TempDir Path directory;
  private PipelineFixture fixture;
  private Cancellation cancellation;
  private Pipeline pipeline;

  @BeforeEach
  void begin() throws Exception {
    fixture = new PipelineFixture(directory.resolve("repository"));
    beginPipeline();
  }

  private void beginPipeline() {
    cancellation = new Cancellation();
    pipeline = new Pipeline(PipelineFixture.limits(), cancellation);
  }

  @AfterEach
  void end() {
    pipeline.close();
    fixture.close();
  }

  private DiskDifference revert(SnapshotRecord snapshot, MemoryDisk current, MemoryTarget target)
      throws Exception {
    try (current;
        SnapshotReader reader = fixture.store.open(snapshot.id())) {
      return new DiskReverting(
              pipeline,
              current,
              reader.disk("d"),
              target,
              new ProgressMeter(event -> {}, snapshot.disks().get(0).sizeBytes()))
          .run();
    }
  }

  private static MemoryDisk disk(byte[] content, ExtentKind[] kinds, long seed) {
    return new MemoryDisk(content, kinds, false, seed);
  }

  private static ExtentKind[] all(ExtentKind kind, int size) {
    ExtentKind[] kinds = new ExtentKind[size];
    Arrays.fill(kinds, kind);
    return kinds;
  }

  private static byte[] randomContent(Random random) {
    byte[] content = new byte[SIZE];
    PipelineFixture.fill(content, 0, SIZE, random);
    return content;
  }

  /** Changes bytes, zeroes stretches, and puts content where there was none. */
  private static byte[] changed(byte[] content, Random random) {
    byte[] changed = content.clone();
    for (int change = random.nextInt(12); change > 0; change--) {
      int from = random.nextInt(SIZE);
      int to = Math.min(SIZE, from + 1 + random.nextInt(random.nextBoolean() ? 10 : 3 * CHUNK));
      if (random.nextBoolean()) {
        Arrays.fill(changed, from, to, (byte) 0);
      } else {
        PipelineFixture.fill(changed, from, to, random);
      }
    }
    return changed;
  }

  /** Ranges that are zeroes may be called so, and chunks that are equal may be called unchanged. */
  private static ExtentKind[] kinds(byte[] current, byte[] wanted, boolean proved, Random random) {
    ExtentKind[] kinds = all(ExtentKind.DATA, SIZE);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      int from = chunk * CHUNK;
      int end = Math.min(SIZE, from + CHUNK);
      if (proved && !differs(current, wanted, chunk)) {
        Arrays.fill(kinds, from, end, ExtentKind.UNCHANGED);
      }
    }
    for (int look = 0; look < 30; look++) {
      int from = random.nextInt(SIZE);
      int to = from;
      int end = Math.min(SIZE, from + 2 * CHUNK);
      while (to < end && current[to] == 0) {
        to++;
      }
      Arrays.fill(kinds, from, to, ExtentKind.ZERO);
    }
    return kinds;
  }

  private static boolean differs(byte[] one, byte[] other, int chunk) {
    int from = chunk * CHUNK;
    int end = Math.min(SIZE, from + CHUNK);
    return !Arrays.equals(one, from, end, other, from, end);
  }

  /** What a disk differs in, as it must be counted; what was read is not known. */
  private static DiskDifference expected(byte[] current, byte[] wanted) {
    long written = 0;
    long zeroed = 0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      int length = Math.min(CHUNK, SIZE - chunk * CHUNK);
      if (differs(current, wanted, chunk)) {
        if (differs(new byte[SIZE], wanted, chunk)) {
          written += length;
        } else {
          zeroed += length;
        }
      }
    }
    return new DiskDifference(0, SIZE - written - zeroed, written, zeroed);
  }

  private static void assertCounted(
      String what, DiskDifference found, MemoryTarget target, DiskDifference expected) {
    assertThat(found.equalBytes()).as(what).isEqualTo(expected.equalBytes());
    assertThat(found.writtenBytes())
        .as(what)
        .isEqualTo(expected.writtenBytes())
        .isEqualTo(target.written.get());
    assertThat(found.zeroedBytes())
        .as(what)
        .isEqualTo(expected.zeroedBytes())
        .isEqualTo(target.zeroed.get());
  }

  @Test
  void holdsTheDiskAfterwardsAndWasWrittenWhereItDiffered() throws Exception {
    long seed = PipelineFixture.seed();
    Random random = new Random(seed);
    byte[] wanted = randomContent(random);
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, seed);
    for (int round = 0; round < 40; round++) {
      String what = "seed " + seed + " round " + round;
      byte[] current = round % 10 == 9 ? randomContent(random) : changed(wanted, random);
      DiskDifference expected = expected(current, wanted);
      ExtentKind[] kinds = kinds(current, wanted, round % 2 == 1, random);
      MemoryTarget target = new MemoryTarget(current);
      DiskDifference found = revert(snapshot, disk(current, kinds, seed + round), target);
      assertThat(Arrays.mismatch(current, wanted)).as(what).isEqualTo(-1);
      assertCounted(what, found, target, expected);
      assertThat(found.readBytes()).as(what).isLessThanOrEqualTo(SIZE);
      assertThat(pipeline.budget().leasedBytes()).isZero();
    }
  }

  @Test
  void writesNothingWhereNothingDiffers() throws Exception {
    byte[] wanted = randomContent(new Random(1));
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 1);
    MemoryTarget target = new MemoryTarget(wanted.clone());
    assertThat(revert(snapshot, disk(target.content, all(ExtentKind.DATA, SIZE), 1), target))
        .isEqualTo(new DiskDifference(SIZE, SIZE, 0, 0));
    assertThat(target.writes).hasValue(0);
    assertThat(target.zeroed).hasValue(0);
  }

  @Test
  void readsNothingOfWhatIsUnchangedOrAHole() throws Exception {
    byte[] wanted = randomContent(new Random(2));
    Arrays.fill(wanted, 20 * CHUNK, 30 * CHUNK, (byte) 0);
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 2);
    ExtentKind[] kinds = all(ExtentKind.UNCHANGED, SIZE);
    Arrays.fill(kinds, 20 * CHUNK, 30 * CHUNK, ExtentKind.ZERO);
    Arrays.fill(kinds, 40 * CHUNK, 40 * CHUNK + 5, ExtentKind.DATA);
    MemoryTarget target = new MemoryTarget(wanted.clone());
    assertThat(revert(snapshot, disk(target.content, kinds, 2), target))
        .isEqualTo(new DiskDifference(CHUNK, SIZE, 0, 0));
  }

  /** As after a disk was shrunk and grown again: no bitmap notices that. */
  @Test
  void putsBackWhatHasBecomeAHoleThoughTheBitmapIsClean() throws Exception {
    byte[] wanted = new byte[SIZE];
    new Random(3).nextBytes(wanted);
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 3);
    byte[] current = wanted.clone();
    ExtentKind[] kinds = all(ExtentKind.UNCHANGED, SIZE);
    int hole = 50 * CHUNK - 100; // Of the chunk before, too, a part.
    Arrays.fill(current, hole, SIZE, (byte) 0);
    Arrays.fill(kinds, hole, SIZE, ExtentKind.ZERO);
    MemoryTarget target = new MemoryTarget(current);
    DiskDifference found = revert(snapshot, disk(current, kinds, 3), target);
    assertThat(Arrays.mismatch(current, wanted)).isEqualTo(-1);
    assertThat(found).isEqualTo(new DiskDifference(CHUNK, 49 * CHUNK, SIZE - 49 * CHUNK, 0));
  }

  @Test
  void zeroesAllOfATargetForADiskWithoutData() throws Exception {
    SnapshotRecord snapshot = fixture.backUp(pipeline, new byte[SIZE], 4);
    MemoryTarget target = MemoryTarget.filled(SIZE, (byte) 7);
    assertThat(revert(snapshot, disk(target.content, all(ExtentKind.DATA, SIZE), 4), target))
        .isEqualTo(new DiskDifference(SIZE, 0, 0, SIZE));
    assertThat(target.content).containsOnly((byte) 0);
  }

  @Test
  void leavesAloneWhatLiesBehindTheDisk() throws Exception {
    byte[] wanted = randomContent(new Random(5));
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 5);
    int larger = SIZE + 3 * CHUNK;
    MemoryTarget target = MemoryTarget.filled(larger, (byte) 7);
    var unused = revert(snapshot, disk(target.content, all(ExtentKind.DATA, larger), 5), target);
    assertThat(Arrays.mismatch(target.content, 0, SIZE, wanted, 0, SIZE)).isEqualTo(-1);
    assertThat(Arrays.copyOfRange(target.content, SIZE, larger)).containsOnly((byte) 7);
  }

  @Test
  void givenUpMidwayAndDoneAgainItHoldsTheDisk() throws Exception {
    byte[] wanted = new byte[SIZE];
    new Random(6).nextBytes(wanted);
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 6);
    MemoryTarget target = MemoryTarget.filled(SIZE, (byte) 7);
    target.failingOffset = SIZE / 2;
    assertThatThrownBy(
            () -> revert(snapshot, disk(target.content, all(ExtentKind.DATA, SIZE), 6), target))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("disk d cannot be restored: no space at ");
    assertThat(target.busy).hasValue(0);
    assertThat(pipeline.budget().leasedBytes()).isZero();
    long before = target.written.get();
    assertThat(before).isBetween(1L, SIZE - 1L);

    pipeline.close();
    beginPipeline();
    target.failingOffset = Long.MAX_VALUE;
    DiskDifference again =
        revert(snapshot, disk(target.content, all(ExtentKind.DATA, SIZE), 6), target);
    assertThat(Arrays.mismatch(target.content, wanted)).isEqualTo(-1);
    assertThat(again.writtenBytes()).isEqualTo(SIZE - before);
  }

  @Test
  void readThatFailsEndsItAndLeavesNothingUnderWay() throws Exception {
    byte[] wanted = randomContent(new Random(7));
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 7);
    MemoryTarget target = MemoryTarget.filled(SIZE, (byte) 7);
    MemoryDisk failing =
        disk(target.content, all(ExtentKind.DATA, SIZE), 7).failReadOf(30L * CHUNK + 5);
    assertThatThrownBy(() -> revert(snapshot, failing, target))
        .isInstanceOf(JobException.class)
        .hasMessageContaining("medium error at ");
    assertThat(failing.inFlight()).isZero();
    assertThat(pipeline.budget().leasedBytes()).isZero();
  }

  @Test
  void endsWithWhatTheJobWasStoppedFor() throws Exception {
    byte[] wanted = randomContent(new Random(8));
    SnapshotRecord snapshot = fixture.backUp(pipeline, wanted, 8);
    cancellation.cancel();
    MemoryTarget target = MemoryTarget.filled(SIZE, (byte) 7);
    assertThatThrownBy(
            () -> revert(snapshot, disk(target.content, all(ExtentKind.DATA, SIZE), 8), target))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertThat(target.content).containsOnly((byte) 7);
    assertThat(pipeline.budget().leasedBytes()).isZero();
  }
}
