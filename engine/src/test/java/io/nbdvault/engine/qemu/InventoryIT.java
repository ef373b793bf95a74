package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.qmp.QmpGreeting;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.QemuVmBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which disks a QEMU has, what they are called, and which are left out or refused. */
@Tag("qemu")
class InventoryIT {
  private static final int SIZE = 4 << 20;
  private static final int CHUNK = 64 << 10;

  @TempDir Path directory;

  @Test
  void mediaEmptyDrivesAndFirmwareFlashAreSkippedAndNamed() throws Exception {
    Path medium = image("medium.iso", "raw");
    Path code = image("code.fd", "raw");
    Path variables = image("variables.fd", "raw");
    try (BackedUpVm vm =
        vda("qcow2")
            .with(
                builder ->
                    builder
                        .cdrom(medium)
                        .cdrom()
                        .args("-device", "ide-cd,bus=ide.5")
                        .args("-drive", "if=pflash,format=raw,readonly=on,file=" + code)
                        .args("-drive", "if=pflash,format=raw,file=" + variables))
            .start()) {
      vm.write("vda", 0, CHUNK, 1);
      SnapshotRecord snapshot = vm.backUp();
      assertThat(snapshot.disks()).extracting(DiskRecord::name).containsExactly("vda");
      assertThat(snapshot.skipped())
          .containsExactlyInAnyOrder(
              new SkippedDisk("cd0", "removable read-only medium"),
              new SkippedDisk("cd1", "empty drive"),
              new SkippedDisk("device[0]", "empty drive"),
              new SkippedDisk("pflash0", "firmware flash"),
              new SkippedDisk("pflash1", "firmware flash"));
      assertThat(vm.bench().events().toString()).contains("DiskSkipped[disk=cd0");

      assertRefused(
          vm, request(vm, Set.of("cd1"), Set.of()), "disk 'cd1' cannot be backed up: empty drive");
      SnapshotRecord second = vm.backUp(request(vm, Set.of(), Set.of("cd0")));
      assertThat(second.disks()).extracting(DiskRecord::name).containsExactly("vda");
    }
  }

  @Test
  void firmwareFlashOfTheMachineIsSkipped() throws Exception {
    Path code = image("code.fd", "raw");
    try (BackedUpVm vm =
        vda("qcow2")
            .with(
                builder ->
                    builder
                        .machine("q35,pflash0=code")
                        .args(
                            "-blockdev",
                            "driver=raw,node-name=code,file.driver=file,file.filename=" + code))
            .start()) {
      assertThat(vm.backUp().skipped()).containsExactly(new SkippedDisk("code", "firmware flash"));
    }
  }

  @Test
  void readOnlyDiskIsReadInFullAndGetsNoBitmap() throws Exception {
    Path image = image("fixed.qcow2", "qcow2");
    String unusedOutput =
        QemuImg.run(List.of("bitmap", "--add", image.toString(), "theirs")); // Stays as it is.
    try (BackedUpVm vm =
        vda("qcow2").with(builder -> builder.disk("vdb", image, "qcow2", "read-only=on")).start()) {
      vm.write("vda", 0, CHUNK, 1);
      for (int backup = 0; backup < 2; backup++) {
        SnapshotRecord snapshot = vm.bench().backup(vm.request());
        DiskRecord vdb = snapshot.disk("vdb").orElseThrow();
        assertThat(vdb.fullReason()).contains("the disk is read-only and has no bitmap");
        assertThat(vdb.checkpoint()).isEmpty();
        assertThat(vm.bitmaps("vdb")).containsExactly("theirs");
        assertThat(snapshot.disk("vda").orElseThrow().incremental()).isEqualTo(backup > 0);
        vm.bench().assertRestores(snapshot, "vdb", new byte[SIZE]);
        vm.bench().assertRestores(snapshot, "vda", vm.model("vda").copy());
        vm.state().assertNothingOfOurs(directory);
      }
    }
  }

  @Test
  void bitmapOfADiskBehindAThrottleFilterGoesBeneathIt() throws Exception {
    Path image = image("slow.qcow2", "qcow2");
    try (QemuVm vm =
        QemuVm.builder(directory)
            .args("-object", "throttle-group,id=slow,x-iops-total=100000")
            .args(
                "-blockdev",
                "driver=qcow2,node-name=image,file.driver=file,file.filename=" + image,
                "-blockdev",
                "driver=throttle,node-name=limit,throttle-group=slow,file=image",
                "-device",
                "virtio-blk-pci,id=vda,drive=limit")
            .start()) {
      BackupBench bench = BackupBench.create(directory, "repository");
      DiskModel vda = new DiskModel(SIZE);
      vda.write(vm, "vda", 0, CHUNK, 1);
      var unused = backUp(bench, vm, "vda", vda);
      vda.write(vm, "vda", CHUNK, 512, 2);
      SnapshotRecord second = backUp(bench, vm, "vda", vda);
      assertIncremental(second, "vda", CHUNK);
      assertThat(new BlockCommands(vm.testMonitor()).findNode("image").orElseThrow().dirtyBitmaps())
          .singleElement()
          .satisfies(
              bitmap -> {
                assertThat(bitmap.name()).endsWith(second.id().hex());
                assertThat(bitmap.persistent()).isTrue();
              });
      assertThat(new BlockCommands(vm.testMonitor()).findNode("limit").orElseThrow().dirtyBitmaps())
          .isEmpty();
    }
  }

  @Test
  void legacyDrivesAreCalledByTheirDriveName() throws Exception {
    Path first = image("first.qcow2", "qcow2");
    Path second = image("second.raw", "raw");
    try (QemuVm vm =
        QemuVm.builder(directory)
            .args("-drive", "if=virtio,format=qcow2,file=" + first)
            .args("-drive", "if=none,id=data,format=raw,file=" + second)
            .args("-device", "virtio-blk-pci,drive=data")
            .start()) {
      BackupBench bench = BackupBench.create(directory, "repository");
      SnapshotRecord full = bench.backup(BackupBench.live("vm", vm.toolSocket()));
      assertThat(full.disks()).extracting(DiskRecord::name).containsExactly("virtio0", "data");
      SnapshotRecord next = bench.backup(BackupBench.live("vm", vm.toolSocket()));
      assertIncremental(next, "virtio0", 0);
      assertIncremental(next, "data", 0);
      bench.assertRestores(next, "virtio0", new byte[SIZE]);
      new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    }
  }

  @Test
  void diskWithAnIothreadIsRefusedAndCanBeLeftOut() throws Exception {
    Path image = image("fast.qcow2", "qcow2");
    assertIothreadRefusedAndExcludable(builder -> builder.iothreadDisk("vdb", image, "qcow2"));
  }

  @Test
  void diskOnAControllerWithAnIothreadIsRefusedAndCanBeLeftOut() throws Exception {
    Path image = image("fast.qcow2", "qcow2");
    assertIothreadRefusedAndExcludable(
        builder ->
            builder
                .args("-object", "iothread,id=thread")
                .args("-device", "virtio-scsi-pci,id=scsi,iothread=thread")
                .args(
                    "-blockdev",
                    "driver=qcow2,node-name=fast,file.driver=file,file.filename=" + image)
                .args("-device", "scsi-hd,id=vdb,bus=scsi.0,drive=fast"));
  }

  private void assertIothreadRefusedAndExcludable(UnaryOperator<QemuVmBuilder> options)
      throws Exception {
    try (BackedUpVm vm = vda("qcow2").with(options).start()) {
      vm.write("vda", 0, CHUNK, 1);
      QmpGreeting qemu = vm.commands().queryVersion();
      String version = qemu.major() + "." + qemu.minor();
      boolean aborts = qemu.major() < 9;
      for (boolean force : aborts ? List.of(false, true) : List.of(false)) {
        assertRefused(
            vm,
            request(vm, Set.of(), Set.of(), force),
            aborts
                ? "disk 'vdb' has an iothread, and QEMU "
                    + version
                    + " aborts when such a disk is exported: leave it out with --exclude vdb, or"
                    + " run the VM without iothread"
                : "disk 'vdb' has an iothread, which is untried on QEMU "
                    + version
                    + " and aborts older ones: leave it out with --exclude vdb, or accept the risk"
                    + " with --force");
        assertThat(vm.state().ourBitmaps()).isEmpty();
      }
      SnapshotRecord snapshot = vm.backUp(request(vm, Set.of(), Set.of("vdb")));
      assertThat(snapshot.skipped()).containsExactly(new SkippedDisk("vdb", "excluded"));
      vm.write("vda", CHUNK, CHUNK, 2);
      assertIncremental(vm.backUp(request(vm, Set.of("vda"), Set.of())), "vda", CHUNK);
      assertThat(vm.qemu().isAlive()).isTrue();
    }
  }

  @Test
  void scsiDiskWithoutAnIothreadIsBackedUp() throws Exception {
    Path image = image("scsi.qcow2", "qcow2");
    try (QemuVm vm =
        QemuVm.builder(directory)
            .args("-device", "virtio-scsi-pci,id=scsi")
            .args(
                "-blockdev",
                "driver=qcow2,node-name=image,file.driver=file,file.filename=" + image,
                "-device",
                "scsi-hd,id=sda,bus=scsi.0,drive=image")
            .start()) {
      BackupBench bench = BackupBench.create(directory, "repository");
      DiskModel sda = new DiskModel(SIZE);
      var unused = backUp(bench, vm, "sda", sda);
      assertIncremental(backUp(bench, vm, "sda", sda), "sda", 0);
    }
  }

  @Test
  void unknownNamesAreRefusedBeforeAnythingChanges() throws Exception {
    try (BackedUpVm vm = vda("qcow2").start()) {
      SnapshotRecord first = vm.backUp();
      for (BackupRequest wrong :
          List.of(request(vm, Set.of("hda"), Set.of()), request(vm, Set.of(), Set.of("hda")))) {
        JobException refused = assertRefused(vm, wrong, "there is no disk 'hda' (there is: vda)");
        assertThat(refused.kind()).isEqualTo(JobException.Kind.BAD_REQUEST);
      }
      assertRefused(vm, request(vm, Set.of(), Set.of("vda")), "there is no disk to back up");
      assertThat(vm.bitmaps("vda"))
          .containsExactly(first.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anotherUuidUnderTheSameNameIsRefusedUnlessAccepted(boolean force) throws Exception {
    String ours = "8f0e1a52-8b1c-4f6e-9d3c-0123456789ab";
    String other = "00000000-0000-4000-8000-00000000000b";
    BackedUpVm vm = vda("qcow2").with(builder -> builder.args("-uuid", ours)).start();
    try (vm) {
      assertThat(vm.backUp().vmUuid()).contains(ours);
      vm.quit();
      var unused = vm.with(builder -> builder.args("-uuid", other)).start();
      vm.write("vda", 0, CHUNK, 1);
      if (force) {
        SnapshotRecord accepted = vm.backUp(request(vm, Set.of(), Set.of(), true));
        assertThat(accepted.vmUuid()).contains(other);
        assertIncremental(accepted, "vda", CHUNK);
        assertIncremental(vm.backUp(), "vda", 0);
      } else {
        assertRefused(
            vm,
            vm.request(),
            "VM 'vm' has the UUID "
                + ours
                + " in this repository and this QEMU's is "
                + other
                + ": choose another name, or accept it with --force");
      }
    }
  }

  @Test
  void twoVmsInOneRepositoryDoNotMix() throws Exception {
    Path one = Files.createDirectory(directory.resolve("one"));
    Path two = Files.createDirectory(directory.resolve("two"));
    BackupBench bench = BackupBench.create(directory, "repository");
    try (QemuVm first = plain(one);
        QemuVm second = plain(two)) {
      DiskModel vdaOfFirst = new DiskModel(SIZE);
      DiskModel vdaOfSecond = new DiskModel(SIZE);
      vdaOfFirst.write(first, "vda", 0, CHUNK, 1);
      vdaOfSecond.write(second, "vda", 0, CHUNK, 2);
      for (int round = 0; round < 2; round++) {
        SnapshotRecord a = bench.backup(BackupBench.live("first", first.toolSocket()));
        SnapshotRecord b = bench.backup(BackupBench.live("second", second.toolSocket()));
        bench.assertRestores(a, "vda", vdaOfFirst.copy());
        bench.assertRestores(b, "vda", vdaOfSecond.copy());
        if (round > 0) {
          assertIncremental(a, "vda", CHUNK);
          assertIncremental(b, "vda", 0);
        }
        vdaOfFirst.write(first, "vda", CHUNK, CHUNK, 3);
      }
      new QemuState(first.testMonitor()).assertNothingOfOurs(one);
      new QemuState(second.testMonitor()).assertNothingOfOurs(two);
    }
  }

  private QemuVm plain(Path where) throws Exception {
    Path image = where.resolve("vda.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    return QemuVm.builder(where).disk("vda", image, "qcow2").start();
  }

  private BackedUpVm vda(String format) throws Exception {
    return new BackedUpVm(directory).disk("vda", format, SIZE);
  }

  private Path image(String name, String format) throws Exception {
    Path image = directory.resolve(name);
    QemuImg.create(image, format, SIZE);
    return image;
  }

  private SnapshotRecord backUp(BackupBench bench, QemuVm vm, String disk, DiskModel model)
      throws Exception {
    SnapshotRecord snapshot = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    assertThat(snapshot.disks()).extracting(DiskRecord::name).containsExactly(disk);
    bench.assertRestores(snapshot, disk, model.copy());
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    return snapshot;
  }

  private static void assertIncremental(SnapshotRecord snapshot, String name, long readBytes) {
    DiskRecord disk = snapshot.disk(name).orElseThrow();
    assertThat(disk.fullReason()).isEmpty();
    assertThat(disk.incremental()).isTrue();
    assertThat(disk.statistics().readBytes()).isEqualTo(readBytes);
  }

  /** Asserts that a request is refused with this sentence, and that nothing came of it. */
  private JobException assertRefused(BackedUpVm vm, BackupRequest request, String sentence)
      throws Exception {
    int before = vm.bench().snapshots().size();
    JobException[] refused = new JobException[1];
    assertThatThrownBy(() -> vm.bench().backup(request))
        .isInstanceOfSatisfying(JobException.class, e -> refused[0] = e)
        .hasMessage(sentence);
    assertThat(vm.bench().snapshots()).hasSize(before);
    assertThat(vm.qemu().isAlive()).isTrue();
    vm.state().assertNothingOfOurs(directory);
    return refused[0];
  }

  private static BackupRequest request(BackedUpVm vm, Set<String> disks, Set<String> exclude) {
    return request(vm, disks, exclude, false);
  }

  private static BackupRequest request(
      BackedUpVm vm, Set<String> disks, Set<String> exclude, boolean force) {
    BackupRequest all = vm.request();
    return new BackupRequest(
        all.vm(),
        all.source(),
        disks,
        exclude,
        all.full(),
        all.tags(),
        force,
        all.scratch(),
        all.guestAgent(),
        all.freeze(),
        all.rateLimitBytesPerSecond());
  }
}
