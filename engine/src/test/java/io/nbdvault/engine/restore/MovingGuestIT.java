package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.testkit.GuestWrites;
import io.nbdvault.engine.testkit.ServedVm;
import io.nbdvault.engine.testkit.WritingGuest;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux that boots from what a server has, and writes without pause to two disks while these move
 * to local files. It must see no error and lose no write, and go on when the server is gone.
 */
@Tag("long")
class MovingGuestIT {
  private static final long MIB = 1 << 20;

  /** The part of a disk that is zero in the snapshot. */
  private static final long ZERO = 32 * MIB;

  private static final GuestWrites TIED = GuestWrites.data(21, 0, 8 * MIB);
  private static final GuestWrites VDA = new GuestWrites(22, 8 * MIB, ZERO - 8 * MIB, true, true);
  private static final GuestWrites VDB = GuestWrites.data(23, 8 * MIB, ZERO - 8 * MIB);

  @TempDir Path directory;

  @Test
  void aGuestThatWritesMovesAndGoesOnWithoutTheServer() throws Exception {
    Path target = Files.createDirectory(directory.resolve("restored")).toRealPath();
    WritingGuest guest =
        WritingGuest.of(directory, TIED.spec("vda+vdb"), VDA.spec("vda"), VDB.spec("vdb"));
    long before;
    try (ServedVm served =
        new ServedVm(directory)
            .disk("vda", ServedVm.Kind.NAMED_OVERLAY)
            .disk("vdb", ServedVm.Kind.DIRECT)) {
      SnapshotRecord snapshot = served.backUpOriginals();
      try (QemuVm vm = served.addTo(guest.vm()).start()) {
        guest.awaitWrite("vda", VDA, 200);
        guest.awaitWrite("vdb", VDB, 200);

        move(served, vm, snapshot, target);

        served.assertLocal(vm, "vda", target.resolve("vda.raw"));
        served.assertLocal(vm, "vdb", target.resolve("vdb.raw"));
        served.killServers();
        guest.awaitMore("vda", VDA, 100);
        guest.awaitMore("vdb", VDB, 100);
        guest.awaitMore("vdb", TIED, 20);
        guest.assertNoError();
        before = guest.acknowledged("vda", VDA);
        vm.quit();
      }
    }
    assertThat(VDA.check(target.resolve("vda.raw"))).isGreaterThanOrEqualTo(before);
    assertThat(VDB.check(target.resolve("vdb.raw")))
        .isGreaterThanOrEqualTo(guest.acknowledged("vdb", VDB));
    assertThat(TIED.check(target.resolve("vda.raw")) - TIED.check(target.resolve("vdb.raw")))
        .as("how far vda is ahead of vdb")
        .isBetween(0L, 1L);
    assertRestIsAsServed(target, "vda");
    assertRestIsAsServed(target, "vdb");
  }

  private static void move(ServedVm served, QemuVm vm, SnapshotRecord snapshot, Path target)
      throws Exception {
    try (ChunkStore store = Repositories.openReadOnly(served.bench().repository())) {
      var unused =
          new LiveRestoreJob(store, EngineLimits.defaults(), new Cancellation(), event -> {})
              .run(
                  new RestoreRequest(
                      snapshot.id().hex(), List.of(), target.toString(), Optional.empty(), false),
                  vm.toolSocket());
    }
  }

  private static void assertRestIsAsServed(Path target, String disk) throws IOException {
    byte[] found = Files.readAllBytes(target.resolve(disk + ".raw"));
    byte[] served = ServedVm.content(disk);
    assertThat(found).hasSize(served.length);
    for (int at = (int) ZERO; at < served.length; at++) {
      if (found[at] != served[at]) {
        throw new AssertionError(disk + " differs from what was served at byte " + at);
      }
    }
  }

  /**
   * On QEMU 7.2 a disk with an iothread cannot be backed up, but it can be moved. The guest pauses
   * after each write: else, emulated on a busy host, it keeps QEMU's main loop from its lock.
   */
  @Test
  void aDiskWithAnIothreadMovesToo() throws Exception {
    Path target = directory.toRealPath().resolve("vda.qcow2");
    WritingGuest guest = WritingGuest.of(directory, VDB.spec("vda", 1_000));
    try (ServedVm served = new ServedVm(directory).disk("vda", ServedVm.Kind.OVERLAY)) {
      SnapshotRecord snapshot = served.backUpOriginals();
      try (QemuVm vm = guest.vm().iothreadDisk("vda", served.overlay("vda"), "qcow2").start()) {
        guest.awaitWrite("vda", VDB, 200);
        move(served, vm, snapshot, target);
        served.assertLocal(vm, "vda", target);
        served.killServers();
        guest.awaitMore("vda", VDB, 100);
        guest.assertNoError();
        vm.quit();
      }
    }
    QemuImg.check(target);
    Path raw = directory.resolve("vda.raw");
    QemuImg.convert(target, "qcow2", raw, "raw");
    assertThat(VDB.check(raw)).isGreaterThanOrEqualTo(guest.acknowledged("vda", VDB));
  }
}
