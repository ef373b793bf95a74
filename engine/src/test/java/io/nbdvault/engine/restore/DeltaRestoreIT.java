package io.nbdvault.engine.restore;

import static io.nbdvault.engine.restore.RestoreBench.assertFiles;
import static io.nbdvault.engine.restore.RestoreBench.assertHolds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.engine.testkit.LoopDevice;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is there already is put back in place, and gets only what differs. */
class DeltaRestoreIT {
  private static final int CHUNK = 64 << 10;
  private static final int SIZE = RestoreBench.A_BYTES;
  private static final int LARGE = 8 << 20;

  /** Begins and ends within chunks of random bytes: chunks 1 and 2. */
  private static final int CHANGED_FROM = CHUNK + 10;

  private static final int CHANGED_TO = 2 * CHUNK + 10;

  /** In a chunk that the disk has as zeroes. */
  private static final int STRAY = 3 * (1 << 20);

  @TempDir static Path shared;
  private static RestoreBench bench;

  @TempDir Path directory;

  @BeforeAll
  static void backUp() throws Exception {
    bench = RestoreBench.create(shared);
  }

  @AfterEach
  void noDaemonIsLeft() {
    assertThat(
            ProcessHandle.current()
                .descendants()
                .filter(p -> p.info().commandLine().orElse("").contains("qemu-storage-daemon")))
        .isEmpty();
  }

  /** Differs in two chunks that have content, and in one that has none. */
  private static byte[] changed() {
    byte[] content = bench.a.clone();
    for (int index = CHANGED_FROM; index < CHANGED_TO; index++) {
      content[index] ^= 0x55;
    }
    content[STRAY] = 1;
    return content;
  }

  /**
   * @param readBytes what is read of the target
   */
  private static DiskDifference ofChanged(long readBytes) {
    return new DiskDifference(readBytes, SIZE - 3 * CHUNK, 2 * CHUNK, CHUNK);
  }

  private static DeltaRun revert(Object to) throws Exception {
    return DeltaRun.of(bench.bench.repository(), request(to));
  }

  private static RestoreRequest request(Object to) {
    return DeltaRun.request(bench.snapshot, "a", to);
  }

  private static void assertRefused(String message, ThrowingCallable restore) {
    assertThatThrownBy(restore).isInstanceOf(JobException.class).hasMessage(message);
  }

  private byte[] content(NbdUri uri) throws IOException {
    Path copy = directory.resolve("copy");
    var unused = LoopDevice.run("nbdcopy", uri.toString(), copy.toString());
    return Files.readAllBytes(copy);
  }

  /** A raw file of which nothing is a hole, so that all of it is read. */
  private Path rawFile(byte[] content) throws IOException {
    return Files.write(directory.resolve("target.raw"), content);
  }

  @Test
  void rawFileGetsOnlyWhatDiffers() throws Exception {
    Path file = rawFile(changed());
    DeltaRun run = revert(file);
    assertThat(run.difference()).isEqualTo(ofChanged(SIZE));
    assertThat(run.fullReason()).contains("only a qcow2 image keeps a bitmap");
    assertHolds(file, bench.a);
    assertFiles(directory, "target.raw");
  }

  @Test
  void rawFileThatIsEqualIsNotWrittenAtAll() throws Exception {
    Path file = rawFile(bench.a);
    FileTime old = FileTime.fromMillis(1_000_000_000_000L);
    Files.setLastModifiedTime(file, old);
    assertThat(revert(file).difference()).isEqualTo(new DiskDifference(SIZE, SIZE, 0, 0));
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(old);
    assertHolds(file, bench.a);
  }

  @Test
  void holesAreNotReadAndWhatIsZeroedBecomesAHole() throws Exception {
    Path file = directory.resolve("target.raw");
    QemuImg.convert(shared.resolve("a.raw"), "raw", file, "raw");
    long before = RestoreBench.blocks(file);
    assertThat(revert(file).difference().readBytes()).isLessThan(SIZE / 2);
    byte[] stray = new byte[1 << 20];
    Arrays.fill(stray, (byte) 1);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      assertThat(channel.write(ByteBuffer.wrap(stray), STRAY)).isEqualTo(stray.length);
    }
    DiskDifference difference = revert(file).difference();
    assertThat(difference.zeroedBytes()).isEqualTo(stray.length);
    assertThat(difference.writtenBytes()).isZero();
    assertHolds(file, bench.a);
    assertThat(RestoreBench.blocks(file)).isLessThanOrEqualTo(before + 16);
  }

  @Test
  void qcow2ImageIsSoundAndGetsOnlyWhatDiffers() throws Exception {
    Path image = directory.resolve("target.qcow2");
    QemuImg.convert(rawFile(changed()), "raw", image, "qcow2");
    DeltaRun run = revert(image);
    DiskDifference found = run.difference();
    assertThat(found).isEqualTo(ofChanged(found.readBytes()));
    assertThat(found.readBytes()).as("holes are not read").isLessThan(SIZE / 2);
    assertThat(run.fullReason()).isPresent();
    QemuImg.check(image);
    QemuImg.compare(image, "qcow2", shared.resolve("a.raw"), "raw");
    assertThat(revert(image).difference().equalBytes()).isEqualTo(SIZE);
  }

  @Test
  void overlayIsWrittenAndItsBackingImageIsNot() throws Exception {
    Path base = directory.resolve("base.qcow2");
    QemuImg.convert(rawFile(changed()), "raw", base, "qcow2");
    byte[] before = Files.readAllBytes(base);
    Path overlay = directory.resolve("overlay.qcow2");
    QemuImg.createOverlay(overlay, base, "qcow2");
    DiskDifference found = revert(overlay).difference();
    assertThat(found).isEqualTo(ofChanged(found.readBytes()));
    QemuImg.compare(overlay, "qcow2", shared.resolve("a.raw"), "raw");
    assertThat(Arrays.mismatch(Files.readAllBytes(base), before)).isEqualTo(-1);
  }

  @Test
  void deviceThatIsLargerGetsOnlyWhatDiffersAndKeepsTheRest() throws Exception {
    assumeThat(Path.of("/dev/loop-control")).exists();
    byte[] old = Arrays.copyOf(changed(), LARGE);
    Arrays.fill(old, SIZE, LARGE, (byte) 7);
    Path file = rawFile(old);
    try (LoopDevice device = LoopDevice.over(file)) {
      assertThat(revert(device.path()).difference()).isEqualTo(ofChanged(SIZE));
    }
    byte[] expected = old.clone();
    System.arraycopy(bench.a, 0, expected, 0, SIZE);
    assertHolds(file, expected);
  }

  @Test
  void deviceThatIsTooSmallIsRefused() throws Exception {
    assumeThat(Path.of("/dev/loop-control")).exists();
    Path file = rawFile(new byte[SIZE - 512]);
    try (LoopDevice device = LoopDevice.over(file)) {
      assertRefused(
          device.path() + " is too small: it has " + (SIZE - 512) + " bytes and disk a has " + SIZE,
          () -> revert(device.path()));
    }
  }

  @Test
  void serverWithOneConnectionGetsOnlyWhatDiffers() throws Exception {
    Path file = rawFile(Arrays.copyOf(changed(), LARGE));
    try (ExternalServer server =
        ExternalServer.qemuNbd(directory, "-e", "1", "-f", "raw", "-x", "d", file.toString())) {
      DiskDifference found = revert(server.uri()).difference();
      assertThat(found).isEqualTo(ofChanged(found.readBytes()));
    }
    assertHolds(file, Arrays.copyOf(bench.a, LARGE));
  }

  @Test
  void serverWithoutBlockStatusIsReadWhole() throws Exception {
    Path file = rawFile(changed());
    try (ExternalServer server =
        ExternalServer.nbdkit(directory, "--filter=noextents", "file", file.toString())) {
      assertThat(revert(server.uri()).difference()).isEqualTo(ofChanged(SIZE));
    }
    assertHolds(file, bench.a);
  }

  @Test
  void directoryGetsEachDiskPutBack() throws Exception {
    Path a = Files.write(directory.resolve("a.raw"), changed());
    Path b = Files.write(directory.resolve("b.raw"), new byte[RestoreBench.B_BYTES]);
    DeltaRun run = new DeltaRun();
    run.begin(
        bench.bench.repository(),
        new RestoreRequest(
            "vm@latest", List.of(), directory.toString(), Optional.empty(), false, false, true),
        new Cancellation());
    assertHolds(a, bench.a);
    assertHolds(b, bench.b);
  }

  @Test
  void givenUpMidwayItSaysSoAndTheSameAgainCompletesIt() throws Exception {
    byte[] old = new byte[SIZE];
    Arrays.fill(old, (byte) 7); // So that whatever comes first is written.
    Path file = rawFile(old);
    DeltaRun run = DeltaRun.cancelledAtOnce(bench.bench.repository(), request(file));
    assertThat(run.warnings())
        .containsExactly(
            file
                + " is neither what it was nor the snapshot's disk now: the same restore --delta"
                + " again completes it");
    DiskDifference rest = revert(file).difference();
    assertThat(rest.writtenBytes() + rest.zeroedBytes()).isBetween(1L, SIZE - 1L);
    assertHolds(file, bench.a);
  }

  /** Of what is equal the repository's copy is not needed. */
  @Test
  void damagedChunkIsLocatedOnlyWhereItDiffers() throws Exception {
    RestoreBench damaged = damagedInItsSecondChunk();
    Path repository = damaged.bench.repository();
    byte[] content = damaged.a.clone();
    content[10] ^= 1;
    Path file = rawFile(content);
    assertThat(DeltaRun.of(repository, DeltaRun.request(damaged.snapshot, "a", file)).difference())
        .isEqualTo(new DiskDifference(SIZE, SIZE - CHUNK, CHUNK, 0));
    assertHolds(file, damaged.a);

    content = damaged.a.clone();
    content[CHUNK + 5] ^= 1;
    Path other = rawFile(content);
    assertThatThrownBy(
            () -> DeltaRun.of(repository, DeltaRun.request(damaged.snapshot, "a", other)))
        .isInstanceOf(JobException.class)
        .hasMessageMatching(
            "disk a cannot be restored: "
                + CHUNK
                + " bytes from "
                + CHUNK
                + " cannot be read .*: Damaged: chunk [0-9a-f]{64}.*");
    assertHolds(other, content);
  }

  private RestoreBench damagedInItsSecondChunk() throws Exception {
    RestoreBench damaged = RestoreBench.create(Files.createDirectory(directory.resolve("damaged")));
    RestoreBench.flipBitOf(
        damaged.bench.repository(), Arrays.copyOfRange(damaged.a, CHUNK + 100, CHUNK + 164));
    return damaged;
  }

  @Test
  void imageOfARunningVmIsRefused() throws Exception {
    Path image = directory.resolve("target.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    try (QemuVm vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start()) {
      assertRefused(image + " is in use: is its VM running?", () -> revert(image));
      vm.guestWrite("vda", 0, 4096, 7);
      vm.quit();
    }
  }

  @Test
  void rawFileThatAnotherProgramWritesToIsRefused() throws Exception {
    Path file = rawFile(changed());
    try (ExternalServer server =
        ExternalServer.qemuNbd(directory, "-f", "raw", "-x", "d", file.toString())) {
      assertRefused(file + " is in use: is its VM running?", () -> revert(file));
      assertThat(content(server.uri())).isEqualTo(changed());
    }
    assertHolds(file, changed());
  }

  @Test
  void fileOfAnotherSizeIsRefusedAndLeftAsItWas() throws Exception {
    for (int size : new int[] {SIZE - 512, SIZE + 512}) {
      Path file = rawFile(new byte[size]);
      String sentence =
          " has another size than disk a: "
              + size
              + " bytes, and the disk has "
              + SIZE
              + "; without --delta, and with --force, it is replaced";
      assertRefused(file + sentence, () -> revert(file));
      assertHolds(file, new byte[size]);
      Path image = directory.resolve(size + ".qcow2");
      QemuImg.create(image, "qcow2", size);
      assertRefused(image + sentence, () -> revert(image));
    }
  }

  @Test
  void whatIsNotThereOrNotOfItsFormatIsRefused() throws Exception {
    Path missing = directory.resolve("missing.raw");
    assertRefused(
        missing + " does not exist: --delta puts back what is there; leave it out for a new file",
        () -> revert(missing));
    assertThat(missing).doesNotExist();
    Path image = directory.resolve("image.img");
    QemuImg.create(image, "qcow2", SIZE);
    assertRefused(
        image + " begins as a qcow2 image: say with --format whether it is one, or raw",
        () -> revert(image));
    Path raw = Files.write(directory.resolve("raw.qcow2"), changed());
    assertThatThrownBy(() -> revert(raw))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith(raw + " cannot be opened: ")
        .hasMessageContaining("not in qcow2 format");
    assertHolds(raw, changed());
    DeltaRun named = new DeltaRun();
    named.begin(
        bench.bench.repository(),
        new RestoreRequest(
            bench.snapshot.id().hex(),
            List.of("a"),
            image.toString(),
            Optional.of(ImageFormat.QCOW2),
            false,
            false,
            true),
        new Cancellation());
    QemuImg.compare(image, "qcow2", shared.resolve("a.raw"), "raw");
  }

  @Test
  void optionsThatDoNotGoTogetherAreRefused() throws Exception {
    Path file = rawFile(changed());
    for (boolean force : new boolean[] {true, false}) {
      assertThatThrownBy(
              () ->
                  new DeltaRun()
                      .begin(
                          bench.bench.repository(),
                          new RestoreRequest(
                              "vm@latest",
                              List.of("a"),
                              file.toString(),
                              Optional.empty(),
                              force,
                              !force,
                              true),
                          new Cancellation()))
          .isInstanceOfSatisfying(
              JobException.class,
              e -> assertThat(e.kind()).isEqualTo(JobException.Kind.BAD_REQUEST))
          .hasMessageContaining(" does not go with --delta");
    }
    assertHolds(file, changed());
  }

  @Test
  void cancelledBeforeAnythingDifferedLeavesItAsItWas() throws Exception {
    Path file = rawFile(changed());
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();
    DeltaRun run = new DeltaRun();
    assertRefused(
        "interrupted",
        () ->
            run.begin(
                bench.bench.repository(),
                DeltaRun.request(bench.snapshot, "a", file),
                cancellation));
    assertHolds(file, changed());
    assertThat(run.warnings()).isEmpty();
    assertThat(run.events()).noneMatch(JobEvent.Restored.class::isInstance);
  }
}
