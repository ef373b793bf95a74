package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.ExtentKind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a fake disk into a real repository, and back out of it. */
class DiskReadingTest {
  private static final int CHUNK = PipelineFixture.CHUNK;
  private static final int SIZE = 60 * CHUNK + 777;

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

  private SnapshotRecord backUp(MemoryDisk disk, Optional<SnapshotRecord> parent) throws Exception {
    try (disk;
        BackupSession session = fixture.begin(parent)) {
      if (parent.isEmpty()) {
        return PipelineFixture.commit(session, disk, reading(disk, session).run());
      }
      try (SnapshotReader reader = fixture.store.open(parent.get().id())) {
        DiskReader content = reader.disk("d");
        DiskReading reading =
            new DiskReading(
                pipeline,
                disk,
                session,
                CHUNK,
                parent.get().disk("d"),
                Optional.of(content),
                new ProgressMeter(event -> {}, 0));
        return PipelineFixture.commit(session, disk, reading.run());
      }
    }
  }

  private DiskReading reading(MemoryDisk disk, BackupSession session) {
    return new DiskReading(
        pipeline,
        disk,
        session,
        CHUNK,
        Optional.empty(),
        Optional.empty(),
        new ProgressMeter(event -> {}, 0));
  }

  private static ExtentKind[] all(ExtentKind kind) {
    ExtentKind[] kinds = new ExtentKind[SIZE];
    Arrays.fill(kinds, kind);
    return kinds;
  }

  @Test
  void storesExactlyWhatTheDiskHoldsWhateverTheOrderOfReplies() throws Exception {
    long seed = PipelineFixture.seed();
    Random random = new Random(seed);
    byte[] content = new byte[SIZE];
    PipelineFixture.fill(content, 0, SIZE, random);
    ExtentKind[] kinds = all(ExtentKind.DATA);
    sayZeroWhereItIs(content, kinds, random);
    MemoryDisk disk = new MemoryDisk(content, kinds, false, seed);

    SnapshotRecord snapshot = backUp(disk, Optional.empty());

    assertThat(Arrays.mismatch(fixture.contentOf(snapshot), content)).isEqualTo(-1);
    assertThat(pipeline.budget().leasedBytes()).isZero();
    assertThat(disk.inFlightMax()).as("several reads at once").isBetween(2, 8);
    var statistics = snapshot.disk("d").orElseThrow().statistics();
    assertThat(statistics.newBytes() + statistics.duplicateBytes() + statistics.zeroBytes())
        .as("every byte is accounted for")
        .isEqualTo(SIZE);
  }

  @Test
  void takesFromTheParentExactlyWhatIsUnchanged() throws Exception {
    long seed = PipelineFixture.seed();
    Random random = new Random(seed);
    byte[] content = new byte[SIZE];
    PipelineFixture.fill(content, 0, SIZE, random);
    SnapshotRecord parent =
        backUp(new MemoryDisk(content, all(ExtentKind.DATA), false, seed), Optional.empty());
    for (int generation = 0; generation < 4; generation++) {
      ExtentKind[] kinds = all(ExtentKind.UNCHANGED);
      changeSomething(content, kinds, random);
      MemoryDisk disk = new MemoryDisk(content.clone(), kinds, true, seed + generation);
      parent = backUp(disk, Optional.of(parent));
      assertThat(Arrays.mismatch(fixture.contentOf(parent), content))
          .as("seed %d generation %d", seed, generation)
          .isEqualTo(-1);
      assertThat(parent.disk("d").orElseThrow().statistics().readBytes()).isLessThan(SIZE / 2);
    }
  }

  /** Writes here and there; elsewhere the disk has lost its content without a bitmap noticing. */
  private static void changeSomething(byte[] content, ExtentKind[] kinds, Random random) {
    for (int change = 0; change < 6; change++) {
      int length = 1 + random.nextInt(2 * CHUNK);
      int offset = random.nextInt(SIZE - length);
      boolean zero = random.nextBoolean();
      byte[] piece = new byte[length];
      if (!zero) {
        random.nextBytes(piece);
      }
      System.arraycopy(piece, 0, content, offset, length);
      Arrays.fill(kinds, offset, offset + length, zero ? ExtentKind.ZERO : ExtentKind.DATA);
    }
  }

  private static void sayZeroWhereItIs(byte[] content, ExtentKind[] kinds, Random random) {
    boolean say = false;
    for (int at = 0; at < content.length; at++) {
      if (at % 1024 == 0) {
        say = random.nextBoolean();
      }
      if (content[at] == 0 && say) {
        kinds[at] = ExtentKind.ZERO;
      }
    }
  }

  @Test
  void reportsTheReadThatFailedAndLeavesNothingUnderWay() throws Exception {
    byte[] content = new byte[SIZE];
    new Random(1).nextBytes(content);
    long failing = SIZE / 2;
    try (MemoryDisk disk = new MemoryDisk(content, all(ExtentKind.DATA), false, 1);
        BackupSession session = fixture.begin(Optional.empty())) {
      disk.failReadOf(failing);
      long wanted = failing / (64 << 10) * (64 << 10);
      assertTimeoutPreemptively(
          Duration.ofSeconds(15),
          () ->
              assertThatThrownBy(() -> reading(disk, session).run())
                  .isInstanceOf(JobException.class)
                  .hasMessage("disk d cannot be backed up: medium error at " + wanted));
      assertThat(disk.isClosed()).isTrue();
      assertThat(disk.inFlight()).isZero();
      assertThat(pipeline.budget().leasedBytes()).isZero();
      assertThat(cancellation.isCancelled()).as("the other disks stop too").isTrue();
    }
    assertThat(fixture.store.snapshots()).isEmpty();
  }

  @Test
  void reportsBlockStatusThatFails() throws Exception {
    try (MemoryDisk disk = new MemoryDisk(new byte[SIZE], all(ExtentKind.DATA), false, 1);
        BackupSession session = fixture.begin(Optional.empty())) {
      disk.failExtents();
      assertThatThrownBy(() -> reading(disk, session).run())
          .isInstanceOf(JobException.class)
          .hasMessage("disk d: its extents cannot be read: block status is broken");
      assertThat(pipeline.budget().leasedBytes()).isZero();
    }
  }

  @Test
  void endsAtOnceWhenTheJobIsCancelledWhileTheServerHangs() throws Exception {
    byte[] content = new byte[SIZE];
    new Random(2).nextBytes(content);
    try (MemoryDisk disk = new MemoryDisk(content, all(ExtentKind.DATA), false, 2);
        BackupSession session = fixture.begin(Optional.empty())) {
      disk.failReadOf(-1); // No read is ever answered.
      Thread user =
          new Thread(
              () -> {
                while (disk.inFlight() == 0) {
                  Thread.onSpinWait();
                }
                cancellation.cancel();
              });
      user.start();
      assertTimeoutPreemptively(
          Duration.ofSeconds(15),
          () ->
              assertThatThrownBy(() -> reading(disk, session).run())
                  .isInstanceOfSatisfying(
                      JobException.class,
                      e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED)));
      user.join();
      assertThat(disk.inFlight()).isZero();
      assertThat(pipeline.budget().leasedBytes()).isZero();
    }
  }
}
