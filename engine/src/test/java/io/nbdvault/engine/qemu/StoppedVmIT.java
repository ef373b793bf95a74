package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images of a VM that is not running, and the way from running to stopped and back. */
class StoppedVmIT {
  private static final int SIZE = 8 << 20;
  private static final int CHUNK = 64 << 10;

  @TempDir Path directory;

  @AfterEach
  void noDaemonAndNoFileOfOursIsLeft() throws Exception {
    assertThat(
            ProcessHandle.current()
                .descendants()
                .filter(p -> p.info().commandLine().orElse("").contains("qemu-storage-daemon")))
        .as("daemons")
        .isEmpty();
    try (Stream<Path> files = Files.walk(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .as("files")
          .noneMatch(name -> name.startsWith("nbdv-") || name.startsWith(".nbdvault-"));
    }
  }

  @Test
  void qcow2GoesOnFromRunningToStoppedAndBack() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      var unused = vm.backUp();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.quit();

      SnapshotRecord stopped = backUpStopped(vm, image(vm, "vda", "qcow2"));
      assertIncremental(stopped, CHUNK);
      assertThat(stopped.consistency()).isEqualTo(Consistency.OFFLINE);
      assertIncremental(backUpStopped(vm, image(vm, "vda", "qcow2")), 0);

      vm.start();
      vm.write("vda", 20 * CHUNK, 2 * CHUNK, 4);
      assertIncremental(vm.backUp(), 2 * CHUNK);
      vm.write("vda", 30 * CHUNK, CHUNK, 5);
      vm.quit();
      assertIncremental(backUpStopped(vm, image(vm, "vda", "qcow2")), CHUNK);
    }
  }

  @Test
  void rawIsReadInFullEveryTimeWhileStopped() throws Exception {
    try (BackedUpVm vm = filled("raw")) {
      var unused = vm.backUp();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.quit();
      BackupRequest.Image image = image(vm, "vda", "raw");
      assertFull(
          backUpStopped(vm, image), "QEMU was restarted, and this image cannot keep a bitmap");
      SnapshotRecord again = backUpStopped(vm, image);
      assertFull(again, "its last snapshot left no bitmap");
      assertThat(again.disk("vda").orElseThrow().checkpoint()).isEmpty();
      assertThat(again.disk("vda").orElseThrow().statistics().newBytes()).isZero();

      vm.start();
      assertFull(vm.backUp(), "its last snapshot left no bitmap");
      vm.write("vda", 20 * CHUNK, CHUNK, 4);
      assertIncremental(vm.backUp(), CHUNK);
    }
  }

  @Test
  void qcow2OfVersionTwoCannotKeepABitmapAndIsReadInFull() throws Exception {
    BackupBench bench = BackupBench.create(directory, "repository");
    Path old = directory.resolve("old.qcow2");
    QemuImg.create(old, "qcow2", SIZE, "compat=0.10");
    BackupRequest request = request(new BackupRequest.Image("vda", old, "qcow2"));
    assertFull(bench.backup(request), "first backup of this disk");
    assertFull(bench.backup(request), "its last snapshot left no bitmap");
    QemuImg.check(old);
  }

  @Test
  void overlayOnABackingImageIsBackedUpWholeAndGoesOn() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      vm.quit();
      Path base = vm.image("vda");
      Path overlay = directory.resolve("overlay.qcow2");
      QemuImg.createOverlay(overlay, base, "qcow2");
      vm.useImage("vda", overlay, "qcow2");
      BackupRequest.Image image = image(vm, "vda", "qcow2");
      assertFull(backUpStopped(vm, image), "first backup of this disk");
      vm.start();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      assertIncremental(vm.backUp(), CHUNK);
      vm.quit();
      assertIncremental(backUpStopped(vm, image), 0);
      assertThat(QemuImg.bitmaps(base)).isEmpty();
    }
  }

  @Test
  void severalImagesAreOfOneInstantAndExcludedOnesAreNotOpened() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      vm.quit();
      Path raw = directory.resolve("b.raw");
      QemuImg.create(raw, "raw", SIZE);
      BackupRequest.Image notAnImage =
          new BackupRequest.Image(
              "vdc", Files.writeString(directory.resolve("c.qcow2"), "no image"), "qcow2");
      BackupRequest all =
          request(
              image(vm, "vda", "qcow2"), new BackupRequest.Image("vdb", raw, "raw"), notAnImage);
      SnapshotRecord snapshot = vm.bench().backup(excluding(all, "vdc"));
      assertThat(snapshot.disks()).extracting(DiskRecord::name).containsExactly("vda", "vdb");
      vm.bench().assertRestores(snapshot, "vda", vm.model("vda").copy());
      vm.bench().assertRestores(snapshot, "vdb", new byte[SIZE]);
    }
  }

  @Test
  void bitmapsOfADeadRunAreRemovedAndThoseOfOthersAreNot() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      String checkpoint = bitmapOf(vm.backUp());
      vm.quit();
      String dead = checkpoint.substring(0, checkpoint.lastIndexOf('-') + 1) + "d".repeat(32);
      String foreign = "nbdvault-cp-" + "f".repeat(32) + "-" + "0".repeat(32);
      for (String name : List.of(dead, foreign, "theirs")) {
        String unused = QemuImg.run(List.of("bitmap", "--add", vm.image("vda").toString(), name));
      }
      SnapshotRecord next = vm.bench().backup(request(image(vm, "vda", "qcow2")));
      assertIncremental(next, 0);
      assertThat(QemuImg.bitmaps(vm.image("vda")))
          .containsExactlyInAnyOrder(bitmapOf(next), foreign, "theirs");
    }
  }

  @Test
  void imageOfARunningVmIsRefusedAndTheVmIsNotDisturbed() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      var unused = vm.backUp();
      assertRefused(
          vm.bench(),
          request(image(vm, "vda", "qcow2")),
          "image "
              + vm.image("vda")
              + " is in use: if its VM is running, back it up by its QMP socket with --qmp");
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      assertIncremental(vm.backUp(), CHUNK);
    }
  }

  @Test
  void wrongImagesAreRefusedInOneSentence() throws Exception {
    BackupBench bench = BackupBench.create(directory, "repository");
    Path raw = directory.resolve("a.raw");
    QemuImg.create(raw, "raw", SIZE);
    Path missing = directory.resolve("missing.qcow2");
    assertRefused(
        bench,
        request(new BackupRequest.Image("vda", missing, "qcow2")),
        "image " + missing + " does not exist");
    assertRefused(
        bench,
        request(new BackupRequest.Image("vda", raw, "qcow2")),
        "image "
            + raw
            + " cannot be opened: blockdev-add: Image is not in qcow2 format (GenericError)");
    assertThatThrownBy(() -> bench.backup(request(new BackupRequest.Image("vda", raw, "nonsense"))))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("image " + raw + " cannot be opened: blockdev-add: ")
        .hasMessageContaining("'nonsense'"); // The words around it are QEMU's.
    BackupRequest.Image image = new BackupRequest.Image("vda", raw, "raw");
    assertRefused(bench, request(image, image), "disk 'vda' is given twice");
    assertRefused(
        bench, excluding(request(image), "vdb"), "there is no disk 'vdb' (there is: vda)");
    assertRefused(bench, excluding(request(image), "vda"), "there is no disk to back up");
  }

  @Test
  void cancelledBackupKeepsThePreviousCheckpointInTheImage() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      SnapshotRecord first = vm.backUp();
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.quit();
      Cancellation cancellation = new Cancellation();
      BackupBench unused =
          vm.bench()
              .onEvent(
                  event -> {
                    if (event instanceof JobEvent.DiskStarted) {
                      cancellation.cancel();
                    }
                  });
      assertThatThrownBy(() -> vm.bench().backup(request(image(vm, "vda", "qcow2")), cancellation))
          .isInstanceOf(JobException.class)
          .hasMessage("interrupted");
      assertThat(QemuImg.bitmaps(vm.image("vda"))).containsExactly(bitmapOf(first));
      BackupBench unusedToo = vm.bench().onEvent(event -> {});
      assertIncremental(backUpStopped(vm, image(vm, "vda", "qcow2")), CHUNK);
    }
  }

  @Test
  void diskThatTheLastSnapshotHadAndThisOneHasNotIsNamed() throws Exception {
    try (BackedUpVm vm =
        new BackedUpVm(directory).disk("vda", "qcow2", SIZE).disk("vdb", "raw", SIZE).start()) {
      vm.quit();
      BackupRequest.Image vda = image(vm, "vda", "qcow2");
      var both = vm.bench().backup(request(vda, image(vm, "vdb", "raw")));
      assertThat(both.disks()).hasSize(2);
      var one = vm.bench().backup(request(vda));
      assertThat(one.disks()).hasSize(1);
      assertThat(vm.bench().events())
          .contains(new JobEvent.Warning("disk vdb of the last snapshot is not in this one"));
    }
  }

  @Test
  void qcow2ImageGivenAsRawIsBackedUpAsGivenAndWarnedOf() throws Exception {
    try (BackedUpVm vm = filled("qcow2")) {
      vm.quit();
      var snapshot = vm.bench().backup(request(image(vm, "vda", "raw")));
      assertThat(vm.bench().events())
          .filteredOn(event -> event instanceof JobEvent.Warning)
          .singleElement()
          .asString()
          .contains(vm.image("vda") + " is given as raw and begins as a qcow2 image");
      vm.bench().assertRestores(snapshot, "vda", Files.readAllBytes(vm.image("vda")));
    }
  }

  private BackedUpVm filled(String format) throws Exception {
    BackedUpVm vm = new BackedUpVm(directory).disk("vda", format, SIZE).start();
    vm.write("vda", 0, SIZE / 2, 1);
    return vm;
  }

  private static BackupRequest.Image image(BackedUpVm vm, String disk, String format) {
    return new BackupRequest.Image(disk, vm.image(disk), format);
  }

  private static BackupRequest request(BackupRequest.Image... images) {
    return BackupBench.request(
        BackedUpVm.NAME, new BackupRequest.StoppedImages(new ArrayList<>(List.of(images))));
  }

  private static BackupRequest excluding(BackupRequest all, String disk) {
    return new BackupRequest(
        all.vm(),
        all.source(),
        all.disks(),
        Set.of(disk),
        all.full(),
        all.tags(),
        all.force(),
        all.scratch(),
        all.guestAgent(),
        all.freeze(),
        all.rateLimitBytesPerSecond());
  }

  /** Backs up an image, and asserts its content and what bitmaps are in the image. */
  private static SnapshotRecord backUpStopped(BackedUpVm vm, BackupRequest.Image image)
      throws Exception {
    SnapshotRecord snapshot = vm.bench().backup(request(image));
    vm.assertHoldsTheModels(snapshot);
    if (image.format().equals("qcow2")) {
      QemuImg.check(image.file());
      assertThat(QemuImg.bitmaps(image.file())).containsExactly(bitmapOf(snapshot));
    }
    return snapshot;
  }

  private static String bitmapOf(SnapshotRecord snapshot) {
    return snapshot.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName();
  }

  private static void assertIncremental(SnapshotRecord snapshot, long readBytes) {
    DiskRecord disk = snapshot.disk("vda").orElseThrow();
    assertThat(disk.fullReason()).isEmpty();
    assertThat(disk.incremental()).isTrue();
    assertThat(disk.statistics().readBytes()).isEqualTo(readBytes);
  }

  private static void assertFull(SnapshotRecord snapshot, String reason) {
    DiskRecord disk = snapshot.disk("vda").orElseThrow();
    assertThat(disk.fullReason()).contains(reason);
    assertThat(disk.incremental()).isFalse();
  }

  private static void assertRefused(BackupBench bench, BackupRequest request, String sentence)
      throws IOException {
    int before = bench.snapshots().size();
    assertThatThrownBy(() -> bench.backup(request))
        .isInstanceOf(JobException.class)
        .hasMessage(sentence);
    assertThat(bench.snapshots()).hasSize(before);
  }
}
