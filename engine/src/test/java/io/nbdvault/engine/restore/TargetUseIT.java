package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.JobException;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a running QEMU has open is not replaced under it, whatever was forced. */
class TargetUseIT {
  @TempDir Path directory;

  @Test
  void imageOfARunningVmIsRefusedAndOfAStoppedOneIsNot() throws Exception {
    Path image = directory.resolve("a.qcow2");
    QemuImg.create(image, "qcow2", 1 << 20);
    try (QemuVm vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start()) {
      assertThatThrownBy(() -> TargetUse.refuseOpenImage(image))
          .isInstanceOf(JobException.class)
          .hasMessage(image + " is in use: is its VM running?");
      vm.guestWrite("vda", 0, 4096, 7); // The look took no lock away from QEMU.
      assertThatThrownBy(() -> TargetUse.refuseOpenImage(image)).isInstanceOf(JobException.class);
      vm.quit();
    }
    TargetUse.refuseOpenImage(image);
    TargetUse.refuseOpenImage(directory.resolve("not-there"));
  }

  @Test
  void deviceThatHoldsTheRootFilesystemIsRefused() throws Exception {
    String root =
        Files.readAllLines(Path.of("/proc/self/mounts")).stream()
            .map(line -> line.split(" ", 3))
            .filter(fields -> fields[1].equals("/") && fields[0].startsWith("/dev/"))
            .map(fields -> fields[0])
            .findFirst()
            .orElse("");
    org.assertj.core.api.Assumptions.assumeThat(Path.of(root)).exists();
    assertThatThrownBy(() -> TargetUse.refuseBusyDevice(Path.of(root)))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith(root + " is mounted on /");
  }

  @Test
  void replacedFileKeepsItsModeAndANewOneIsPrivate() throws Exception {
    Path target = Files.writeString(directory.resolve("old.raw"), "old");
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r-----"));
    TemporaryFile replacing = TemporaryFile.create(target);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(replacing.path())))
        .isEqualTo("rw-------");
    replacing.publish();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target)))
        .isEqualTo("rw-r-----");
    assertThat(target).isEmptyFile();
  }
}
