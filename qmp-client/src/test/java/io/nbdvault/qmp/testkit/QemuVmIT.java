package io.nbdvault.qmp.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class QemuVmIT {
  private static final long MIB = 1 << 20;

  @TempDir Path dir;

  private Path create(String name, String format) throws IOException {
    Path image = dir.resolve(name);
    QemuImg.create(image, format, 8 * MIB);
    return image;
  }

  @Test
  void guestsWritesAreInTheImageAfterQuit() throws Exception {
    Path vda = create("vda.qcow2", "qcow2");
    Path vdb = create("vdb.raw", "raw");
    try (QemuVm vm =
        QemuVm.builder(dir).disk("vda", vda, "qcow2").iothreadDisk("vdb", vdb, "raw").start()) {
      for (String disk : new String[] {"vda", "vdb"}) {
        vm.guestWrite(disk, 0, 3 * MIB, 0xAB);
        vm.guestWriteZeroes(disk, MIB, 65536);
        vm.guestDiscard(disk, 2 * MIB, 65536);
        vm.guestRead(disk, 0, MIB, 0xAB);
        vm.guestRead(disk, MIB, 65536, 0);
        vm.guestRead(disk, 2 * MIB, 65536, 0);
        vm.guestFlush(disk);
      }
      vm.quit();
      assertThat(vm.isAlive()).isFalse();
    }
    QemuImg.compare(vda, "qcow2", vdb, "raw");
    QemuImg.check(vda);
  }

  @Test
  void failuresOfTheGuestsRequestsAreThrown() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).disk("vda", create("a", "raw"), "raw").start()) {
      assertThatThrownBy(() -> vm.guestRead("vda", 0, 4096, 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Pattern verification failed");
      assertThatThrownBy(() -> vm.guestWrite("vda", 100 * MIB, 4096, 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("write failed");
      assertThatThrownBy(() -> vm.guestWrite("vdz", 0, 4096, 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("not found");
    }
  }

  @Test
  void readOnlyDisksCannotBeWritten() throws Exception {
    try (QemuVm vm =
        QemuVm.builder(dir).disk("vda", create("a", "raw"), "raw", "read-only=on").start()) {
      assertThatThrownBy(() -> vm.guestWrite("vda", 0, 4096, 1)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void runningGuestServesItsDisks() throws Exception {
    try (QemuVm vm =
        QemuVm.builder(dir)
            .disk("vda", create("a", "qcow2"), "qcow2")
            .cdrom(create("cd.iso", "raw"))
            .paused(false)
            .start()) {
      vm.guestWrite("vda", 4096, 4096, 3);
      vm.guestRead("vda", 4096, 4096, 3);
      vm.kill();
      assertThat(vm.isAlive()).isFalse();
    }
  }

  @Test
  void startThatFailsShowsWhatQemuSaid() throws Exception {
    assertThatThrownBy(() -> QemuVm.builder(dir).disk("vda", dir.resolve("none"), "raw").start())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("No such file or directory")
        .hasMessageContaining("exit code 1");
  }
}
