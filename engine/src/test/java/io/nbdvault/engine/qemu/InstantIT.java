package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.engine.qemu.PointInTime.CheckpointKind;
import io.nbdvault.engine.qemu.PointInTime.Part;
import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.NbdSourceDisk;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.SourceExtent;
import io.nbdvault.engine.testkit.RandomWriter;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.qmp.PeerCredentials;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExportRequest;
import io.nbdvault.qmp.block.DirtyBitmap;
import io.nbdvault.qmp.block.DirtyBitmapAdd;
import io.nbdvault.qmp.block.NodeBitmap;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.QemuVmBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The transaction itself, under writes that are in flight on another thread while it runs. An order
 * of its actions that is wrong shows only there: QEMU's main loop does nothing else during a
 * transaction, and no guest under TCG gets a request in. So the writes come over NBD, several at a
 * time, through exports that have an iothread.
 *
 * <p>QEMU 7.2 aborts now and then with a node in an iothread, most often when it is exported once
 * more (which is why whole backups refuse such disks). So the exported bitmap is stored in the
 * image, QEMU ends, and another one without iothreads shows what the instant holds. An instant that
 * QEMU itself did not live to see shows nothing, and is taken again.
 */
class InstantIT {
  private static final long SIZE = 256L << 20;
  private static final int INSTANTS = 6;
  private static final int ATTEMPTS_MAX = 24;
  private static final int WRITES_BEFORE = 100;
  private static final int READ_BYTES_MAX = 1 << 20;
  private static final Duration STEP_MAX = Duration.ofSeconds(60);
  private static final Duration ABORT_MAX = Duration.ofSeconds(10);
  private static final String REPOSITORY = "0123456789abcdef0123456789abcdef";
  private static final String STORED = "stored";
  private static final List<String> DISKS = List.of("vda", "vdb");

  @TempDir Path directory;

  @Test
  void theBitmapOfAnInstantHoldsEveryWriteThatTheInstantHolds() throws Exception {
    int checked = 0;
    for (int attempt = 0; checked < INSTANTS; attempt++) {
      assertThat(attempt).as("instants taken to have %d", INSTANTS).isLessThan(ATTEMPTS_MAX);
      Path here = Files.createDirectory(directory.resolve("instant" + attempt));
      List<Path> overlays = takeAnInstant(here);
      for (int disk = 0; disk < overlays.size(); disk++) {
        assertNoWriteIsMissing(here, DISKS.get(disk), overlays.get(disk));
      }
      checked += overlays.isEmpty() ? 0 : 1;
    }
  }

  /**
   * Takes an instant of empty disks under writes.
   *
   * @return the overlays, when QEMU has ended as it should; none when it aborted
   */
  private static List<Path> takeAnInstant(Path here) throws Exception {
    for (String disk : DISKS) {
      QemuImg.create(image(here, disk), "qcow2", SIZE);
    }
    List<RandomWriter> writers = new ArrayList<>();
    try (QemuVm vm = vm(here, false).args("-object", "iothread,id=io").start()) {
      try {
        List<Path> overlays = takeAnInstant(here, vm, writers);
        vm.quit();
        return overlays;
      } catch (IOException e) {
        if (!hasAborted(vm)) {
          throw e;
        }
        return List.of();
      }
    } finally {
      writers.forEach(RandomWriter::close);
    }
  }

  private static boolean hasAborted(QemuVm vm) throws InterruptedException {
    long deadline = System.nanoTime() + ABORT_MAX.toNanos();
    while (vm.isAlive() && System.nanoTime() - deadline < 0) {
      Thread.sleep(10);
    }
    return !vm.isAlive();
  }

  private static List<Path> takeAnInstant(Path here, QemuVm vm, List<RandomWriter> writers)
      throws Exception {
    RunNames names = new RunNames(REPOSITORY, SnapshotId.random());
    BlockCommands qemu = new BlockCommands(vm.testMonitor());
    PointInTime pointInTime = new PointInTime(qemu, names);
    List<Path> overlays = new ArrayList<>();
    List<Part> parts = new ArrayList<>();
    qemu.nbdServerStart(here.resolve("nbd"));
    for (String disk : DISKS) {
      exportToWriter(vm, disk);
      writers.add(new RandomWriter(NbdUri.unix(here.resolve("nbd"), disk), parts.size()));
      Part part = part(qemu, parts.size(), disk);
      PeerCredentials root = new PeerCredentials(0, 0, 0);
      ScratchFile file = ScratchFile.create(here, part.disk().image(), names, SIZE, root);
      pointInTime.addOverlay(part, file.path());
      overlays.add(file.path());
      parts.add(part);
    }
    for (RandomWriter writer : writers) {
      writer.start(WRITES_BEFORE);
    }
    pointInTime.take(parts);
    for (RandomWriter writer : writers) {
      writer.stop();
    }
    for (Part part : parts) {
      String node = part.disk().nodeName();
      qemu.dirtyBitmapAdd(
          new DirtyBitmapAdd(node, STORED, PointInTime.GRANULARITY_BYTES, true, true));
      qemu.dirtyBitmapMerge(node, STORED, List.of(names.exportBitmap()));
    }
    return overlays;
  }

  private static Path image(Path here, String disk) {
    return here.resolve(disk + ".qcow2");
  }

  /** A VM without devices: a disk's node is all that is needed, and may be in any iothread. */
  private static QemuVmBuilder vm(Path here, boolean readOnly) {
    QemuVmBuilder builder = QemuVm.builder(here);
    for (String disk : DISKS) {
      builder.args(
          "-blockdev",
          "driver=qcow2,node-name="
              + QemuVm.nodeName(disk)
              + (readOnly ? ",read-only=on" : "")
              + ",file.driver=file,file.filename="
              + image(here, disk));
    }
    return builder;
  }

  private static void exportToWriter(QemuVm vm, String disk) throws IOException {
    var unused =
        vm.testMonitor()
            .execute(
                "block-export-add",
                JsonNodeFactory.instance
                    .objectNode()
                    .put("type", "nbd")
                    .put("id", "writer-" + disk)
                    .put("node-name", QemuVm.nodeName(disk))
                    .put("name", disk)
                    .put("writable", true)
                    .put("iothread", "io")
                    .put("fixed-iothread", true));
  }

  /** A disk with a checkpoint that has recorded everything since the disk was empty. */
  private static Part part(BlockCommands qemu, int index, String disk) throws IOException {
    String node = QemuVm.nodeName(disk);
    qemu.dirtyBitmapAdd(
        new DirtyBitmapAdd(node, "checkpoint", PointInTime.GRANULARITY_BYTES, false, false));
    LiveDisk live = LiveDisk.of(disk, qemu.findNode(node).orElseThrow(), Optional.empty());
    DirtyBitmap previous = live.bitmaps().get(0);
    return new Part(index, live, Optional.of(previous), CheckpointKind.TRANSIENT);
  }

  /** What the disk held at the instant and the bitmap does not tell of must still be empty. */
  private static void assertNoWriteIsMissing(Path here, String disk, Path overlay)
      throws Exception {
    String node = QemuVm.nodeName(disk);
    try (QemuVm vm =
        vm(here, true)
            .args(
                "-blockdev",
                "driver=qcow2,read-only=on,node-name=overlay,backing="
                    + node
                    + ",file.driver=file,file.filename="
                    + overlay)
            .start()) {
      BlockCommands qemu = new BlockCommands(vm.testMonitor());
      Path socket = here.resolve("nbd-" + disk);
      qemu.nbdServerStart(socket);
      qemu.blockExportAddNbd(
          new BlockExportRequest(
              "read", "overlay", "read", false, List.of(new NodeBitmap(node, STORED)), false));
      SourceDisk source =
          NbdSourceDisk.open(
              new NbdSourceDisk.Description(
                  disk, "qcow2", Optional.empty(), Optional.empty(), SIZE),
              NbdUri.unix(socket, "read"),
              Optional.of(BaseAllocation.dirtyBitmapContext(STORED)),
              1,
              STEP_MAX);
      try {
        assertThat(changedBytes(source)).as("changed bytes of %s", disk).isPositive();
      } finally {
        source.close();
      }
    }
  }

  private static long changedBytes(SourceDisk disk) throws Exception {
    long changed = 0;
    long position = 0;
    while (position < SIZE) {
      for (SourceExtent extent : within(disk.extents(position, SIZE - position))) {
        if (extent.kind() == ExtentKind.DATA) {
          changed += extent.lengthBytes();
        } else if (extent.kind() == ExtentKind.UNCHANGED) {
          assertEmpty(disk, extent);
        }
        position = extent.endBytes();
      }
    }
    return changed;
  }

  private static void assertEmpty(SourceDisk disk, SourceExtent extent) throws Exception {
    for (long position = extent.offsetBytes(); position < extent.endBytes(); ) {
      int length = (int) Math.min(READ_BYTES_MAX, extent.endBytes() - position);
      ByteBuffer buffer = ByteBuffer.allocate(length);
      within(disk.read(position, buffer.duplicate()));
      assertThat(buffer.mismatch(ByteBuffer.allocate(length)))
          .as("first byte of %s after %d that no bitmap told of", disk.name(), position)
          .isEqualTo(-1);
      position += length;
    }
  }

  private static <T> T within(CompletableFuture<T> future) throws Exception {
    return future.get(STEP_MAX.toSeconds(), TimeUnit.SECONDS);
  }
}
