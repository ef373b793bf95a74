package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.engine.qemu.PointInTime.CheckpointKind;
import io.nbdvault.engine.qemu.PointInTime.Part;
import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.NbdSourceDisk;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.SourceExtent;
import io.nbdvault.engine.testkit.GuestWrites;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.WritingGuest;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.qmp.PeerCredentials;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.DirtyBitmap;
import io.nbdvault.qmp.block.DirtyBitmapAdd;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The transaction itself, under writes that are in flight on other threads while it runs: the disks
 * have iothreads. That is where an order of its actions that is wrong shows, which QEMU's main loop
 * hides. The guest is stopped right after each instant, because QEMU 7.2 aborts when a disk with an
 * iothread is exported under a running guest (which is why whole backups refuse it); so only few
 * chunks are dirty from one instant to the next, and a bit that is missing is not hidden by others.
 */
class InstantIT {
  private static final long MIB = 1 << 20;
  private static final long SIZE = 256 * MIB;
  private static final int INSTANTS = 8;
  private static final int WRITES_BETWEEN = 150;
  private static final int READ_BYTES_MAX = 1 << 20;
  private static final Duration STEP_MAX = Duration.ofSeconds(60);
  private static final String REPOSITORY = "0123456789abcdef0123456789abcdef";

  private static final GuestWrites TIED = GuestWrites.data(21, 0, 32 * MIB);
  private static final GuestWrites VDA = GuestWrites.data(22, 32 * MIB, 224 * MIB);
  private static final GuestWrites VDB = GuestWrites.data(23, 32 * MIB, 224 * MIB);

  @TempDir Path directory;

  private QmpClient monitor;
  private BlockCommands qemu;

  /** A raw file for each disk, brought from instant to instant by what its bitmap says. */
  private final Map<String, Path> copies = new LinkedHashMap<>();

  private String checkpoint = "nbdvault-cp-" + REPOSITORY + "-" + SnapshotId.random().hex();

  @Test
  void theBitmapOfAnInstantHoldsEveryWriteThatTheInstantHolds() throws Exception {
    Path vda = image("vda", "qcow2");
    Path vdb = image("vdb", "raw");
    WritingGuest guest =
        WritingGuest.of(directory, TIED.spec("vda+vdb"), VDA.spec("vda"), VDB.spec("vdb"));
    try (QemuVm vm =
        guest
            .vm()
            .paused(true)
            .iothreadDisk("vda", vda, "qcow2")
            .iothreadDisk("vdb", vdb, "raw")
            .start()) {
      monitor = vm.testMonitor();
      qemu = new BlockCommands(monitor);
      for (String disk : copies.keySet()) {
        qemu.dirtyBitmapAdd(
            new DirtyBitmapAdd(
                QemuVm.nodeName(disk), checkpoint, PointInTime.GRANULARITY_BYTES, false, false));
      }
      long tied = 0;
      for (int i = 0; i < INSTANTS; i++) {
        awaitWrites();
        takeAndCopy();
        assertThat(VDA.check(copies.get("vda"))).isPositive();
        assertThat(VDB.check(copies.get("vdb"))).isPositive();
        long first = TIED.check(copies.get("vda"));
        long second = TIED.check(copies.get("vdb"));
        assertThat(first - second).as("how far vda is ahead of vdb").isBetween(0L, 1L);
        assertThat(first).isGreaterThan(tied);
        tied = first;
      }
      guest.assertNoError();
      new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    }
  }

  private Path image(String disk, String format) throws IOException {
    Path image = directory.resolve(disk + "." + format);
    QemuImg.create(image, format, SIZE);
    copies.put(disk, directory.resolve(disk + ".copy"));
    QemuImg.create(copies.get(disk), "raw", SIZE);
    return image;
  }

  /** Lets the guest run until it has made some more writes to each disk. */
  private void awaitWrites() throws Exception {
    Map<String, Long> before = writes();
    qemu.cont();
    long deadline = System.nanoTime() + STEP_MAX.toNanos();
    while (writes().entrySet().stream()
        .anyMatch(disk -> disk.getValue() < before.get(disk.getKey()) + WRITES_BETWEEN)) {
      assertThat(System.nanoTime()).as("time for the guest's writes").isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  private Map<String, Long> writes() throws IOException {
    Map<String, Long> writes = new LinkedHashMap<>();
    for (JsonNode device : monitor.execute("query-blockstats")) {
      String path = device.path("qdev").asText();
      copies.keySet().stream()
          .filter(disk -> path.contains("/" + disk + "/"))
          .forEach(d -> writes.put(d, device.path("stats").path("wr_operations").asLong()));
    }
    assertThat(writes.keySet()).isEqualTo(copies.keySet());
    return writes;
  }

  private void takeAndCopy() throws Exception {
    RunNames names = new RunNames(REPOSITORY, SnapshotId.random());
    PointInTime pointInTime = new PointInTime(qemu, names);
    List<Part> parts = new ArrayList<>();
    for (String disk : copies.keySet()) {
      parts.add(part(parts.size(), disk));
    }
    for (Part part : parts) {
      Path scratch =
          ScratchFile.create(
                  directory, part.disk().image(), names, SIZE, new PeerCredentials(0, 0, 0))
              .path();
      pointInTime.addOverlay(part, scratch);
    }
    pointInTime.take(parts);
    qemu.stop();
    Path socket = directory.resolve(names.of(RunNames.Role.SERVER));
    pointInTime.startServer(socket);
    for (Part part : parts) {
      pointInTime.export(part, true, OptionalLong.empty());
      copyChanges(part, NbdUri.unix(socket, pointInTime.exportName(part)), names.exportBitmap());
    }
    QemuCleaner cleaner = new QemuCleaner(qemu, true, STEP_MAX, event -> {});
    cleaner.removeAllButBitmaps(directory);
    cleaner.removeBitmaps((node, bitmap) -> !bitmap.equals(names.checkpointBitmap()));
    checkpoint = names.checkpointBitmap();
  }

  private Part part(int index, String disk) throws IOException {
    LiveDisk live =
        LiveDisk.of(disk, qemu.findNode(QemuVm.nodeName(disk)).orElseThrow(), Optional.empty());
    DirtyBitmap previous =
        live.bitmaps().stream().filter(b -> b.name().equals(checkpoint)).findFirst().orElseThrow();
    return new Part(index, live, Optional.of(previous), CheckpointKind.TRANSIENT);
  }

  private void copyChanges(Part part, NbdUri uri, String exportBitmap) throws Exception {
    NbdSourceDisk.Description description =
        new NbdSourceDisk.Description(
            part.disk().name(), part.disk().format(), Optional.empty(), Optional.empty(), SIZE);
    SourceDisk disk =
        NbdSourceDisk.open(
            description, uri, Optional.of(BaseAllocation.dirtyBitmapContext(exportBitmap)), 1, STEP_MAX);
    try (FileChannel copy =
        FileChannel.open(copies.get(part.disk().name()), StandardOpenOption.WRITE)) {
      long position = 0;
      while (position < SIZE) {
        for (SourceExtent extent : within(disk.extents(position, SIZE - position))) {
          if (extent.kind() == ExtentKind.DATA) {
            copyExtent(disk, extent, copy);
          }
          position = extent.endBytes();
        }
      }
    } finally {
      disk.close();
    }
  }

  private static void copyExtent(SourceDisk disk, SourceExtent extent, FileChannel copy)
      throws Exception {
    long position = extent.offsetBytes();
    while (position < extent.endBytes()) {
      int length = (int) Math.min(READ_BYTES_MAX, extent.endBytes() - position);
      ByteBuffer buffer = ByteBuffer.allocate(length);
      within(disk.read(position, buffer.duplicate()));
      int written = copy.write(buffer, position);
      assertThat(written).isEqualTo(length);
      position += length;
    }
  }

  private static <T> T within(CompletableFuture<T> future) throws Exception {
    return future.get(STEP_MAX.toSeconds(), TimeUnit.SECONDS);
  }
}
