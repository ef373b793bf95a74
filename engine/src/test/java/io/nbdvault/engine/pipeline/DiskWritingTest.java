package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.ExtentKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
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

  /** What a restore writes to: notes what is written, and may fail once. */
  private static final class MemoryTarget implements DiskWriting.Target {
    final byte[] content = new byte[SIZE];
    final AtomicInteger busy = new AtomicInteger();
    final AtomicLong zeroed = new AtomicLong();
    volatile long failingOffset = Long.MAX_VALUE;

    MemoryTarget(byte old) {
      Arrays.fill(content, old);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer source) throws IOException {
      busy.incrementAndGet();
      try {
        if (offsetBytes + source.remaining() > failingOffset) {
          throw new IOException("no space at " + offsetBytes);
        }
        source.get(content, (int) offsetBytes, source.remaining());
      } finally {
        busy.decrementAndGet();
      }
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes) {
      assertThat(lengthBytes).isPositive();
      zeroed.addAndGet(lengthBytes);
      Arrays.fill(content, (int) offsetBytes, (int) (offsetBytes + lengthBytes), (byte) 0);
    }
  }

  private SnapshotRecord store(byte[] content, long seed) throws Exception {
    ExtentKind[] kinds = new ExtentKind[SIZE];
    Arrays.fill(kinds, ExtentKind.DATA);
    try (MemoryDisk disk = new MemoryDisk(content, kinds, false, seed);
        BackupSession session = fixture.begin(Optional.empty())) {
      return PipelineFixture.commit(
          session,
          disk,
          new DiskReading(
                  pipeline,
                  disk,
                  session,
                  CHUNK,
                  Optional.empty(),
                  Optional.empty(),
                  new ProgressMeter(event -> {}, 0))
              .run());
    }
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
      MemoryTarget target = new MemoryTarget(OLD);
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
    MemoryTarget target = new MemoryTarget((byte) 0);
    long written = write(store(content, 3), target, false);
    assertThat(target.zeroed.get()).isZero();
    assertThat(written).isEqualTo(SIZE - 45 * CHUNK);
    assertThat(Arrays.mismatch(target.content, content)).isEqualTo(-1);
  }

  @Test
  void zeroesAllOfADiskWithoutData() throws Exception {
    MemoryTarget target = new MemoryTarget(OLD);
    assertThat(write(store(new byte[SIZE], 4), target, true)).isZero();
    assertThat(target.content).containsOnly((byte) 0);
  }

  @Test
  void reportsTheWriteThatFailedAndLeavesNothingUnderWay() throws Exception {
    byte[] content = new byte[SIZE];
    new Random(5).nextBytes(content);
    SnapshotRecord snapshot = store(content, 5);
    MemoryTarget target = new MemoryTarget(OLD);
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
    MemoryTarget target = new MemoryTarget(OLD);
    assertThatThrownBy(() -> write(snapshot, target, true))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertThat(target.content).containsOnly(OLD);
    assertThat(pipeline.budget().leasedBytes()).isZero();
  }
}
