package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Out of a real repository into an array that held something else before. */
class DiskWritingTest {
  private static final int CHUNK = PipelineFixture.CHUNK;
  private static final int SIZE = 60 * CHUNK + 777;
  private static final byte OLD = (byte) 0xFF;

  @TempDir Path directory;
  private PipelineFixture fixture;
  private Cancellation cancellation;
  private Pipeline pipeline;

  @BeforeEach
  void begin() throws Exception {
    fixture = new PipelineFixture(directory.resolve("repository"));
    cancellation = new Cancellation();
    pipeline = new Pipeline(PipelineFixture.limits(), cancellation);
  }

  @AfterEach
  void end() {
    pipeline.close();
    fixture.close();
  }

  private SnapshotRecord store(byte[] content, long seed) throws Exception {
    return fixture.backUp(pipeline, content, seed);
  }

  private long write(SnapshotRecord snapshot, MemoryTarget target, boolean zeroHoles)
      throws Exception {
    try (SnapshotReader reader = fixture.store.open(snapshot.id())) {
      return new DiskWriting(
              pipeline,
              "d",
              reader.disk("d"),
              target,
              zeroHoles,
              new ProgressMeter(event -> {}, 0),
              Optional.empty())
          .run();
    }
  }

  @Test
  void writesEveryByteOverWhatWasThere() throws Exception {
    long seed = PipelineFixture.seed();
    Random random = new Random(seed);
    for (int round = 0; round < 5; round++) {
      byte[] content = new byte[SIZE];
      PipelineFixture.fill(content, 0, SIZE, random);
      // Holes at both ends and in the middle, of whole chunks.
      Arrays.fill(content, 0, random.nextInt(3) * CHUNK, (byte) 0);
      Arrays.fill(content, 30 * CHUNK, (30 + random.nextInt(5)) * CHUNK, (byte) 0);
      Arrays.fill(content, (60 - random.nextInt(3)) * CHUNK, SIZE, (byte) 0);
      MemoryTarget target = MemoryTarget.filled(SIZE, OLD);
      long written = write(store(content, seed), target, true);
      assertThat(Arrays.mismatch(target.content, content))
          .as("seed %d round %d", seed, round)
          .isEqualTo(-1);
      assertThat(written + target.zeroed.get()).isEqualTo(SIZE);
      assertThat(pipeline.budget().leasedBytes()).isZero();
    }
  }

  @Test
  void leavesHolesAloneInATargetThatIsAllZeroes() throws Exception {
    byte[] content = new byte[SIZE];
    new Random(3).nextBytes(content);
    Arrays.fill(content, 5 * CHUNK, 50 * CHUNK, (byte) 0);
    MemoryTarget target = MemoryTarget.filled(SIZE, (byte) 0);
    long written = write(store(content, 3), target, false);
    assertThat(target.zeroed.get()).isZero();
    assertThat(written).isEqualTo(SIZE - 45 * CHUNK);
    assertThat(Arrays.mismatch(target.content, content)).isEqualTo(-1);
  }

  @Test
  void zeroesAllOfADiskWithoutData() throws Exception {
    MemoryTarget target = MemoryTarget.filled(SIZE, OLD);
    assertThat(write(store(new byte[SIZE], 4), target, true)).isZero();
    assertThat(target.content).containsOnly((byte) 0);
  }

  @Test
  void reportsTheWriteThatFailedAndLeavesNothingUnderWay() throws Exception {
    byte[] content = new byte[SIZE];
    new Random(5).nextBytes(content);
    SnapshotRecord snapshot = store(content, 5);
    MemoryTarget target = MemoryTarget.filled(SIZE, OLD);
    target.failingOffset = SIZE / 2;
    assertThatThrownBy(() -> write(snapshot, target, true))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("disk d cannot be restored: no space at ");
    assertThat(target.busy).hasValue(0);
    assertThat(pipeline.budget().leasedBytes()).isZero();
  }

  @Test
  void endsWithWhatTheJobWasStoppedFor() throws Exception {
    byte[] content = new byte[SIZE];
    new Random(6).nextBytes(content);
    SnapshotRecord snapshot = store(content, 6);
    cancellation.cancel();
    MemoryTarget target = MemoryTarget.filled(SIZE, OLD);
    assertThatThrownBy(() -> write(snapshot, target, true))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertThat(target.content).containsOnly(OLD);
    assertThat(pipeline.budget().leasedBytes()).isZero();
  }
}
