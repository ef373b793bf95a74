package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.engine.JobException;
import io.nbdvault.qmp.PeerCredentials;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScratchFileTest {
  private static final RunNames NAMES =
      new RunNames("a".repeat(32), new SnapshotId("0123456789abcdef".repeat(2)));

  @TempDir Path directory;

  @Test
  void directoryWithRoomIsAccepted() throws Exception {
    ScratchFile.checkDirectory(directory, 1);
  }

  @Test
  void directoryInMemoryIsRefused() {
    assertThatThrownBy(() -> ScratchFile.checkDirectory(Path.of("/dev/shm"), 0))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.BAD_REQUEST))
        .hasMessage(
            "scratch directory /dev/shm is in memory (tmpfs): name one on a disk with --scratch");
  }

  @Test
  void directoryWithoutRoomIsRefused() {
    long wanted = 1L << 60;
    assertThatThrownBy(() -> ScratchFile.checkDirectory(directory, wanted))
        .isInstanceOf(JobException.class)
        .hasMessageMatching(
            "scratch directory "
                + directory
                + " has \\d+ MiB free and a backup keeps "
                + (wanted >> 20)
                + " MiB free: name another one with --scratch");
  }

  @Test
  void directoryThatDoesNotExistIsRefused() {
    Path missing = directory.resolve("missing");
    assertThatThrownBy(() -> ScratchFile.checkDirectory(missing, 0))
        .isInstanceOf(JobException.class)
        .hasMessage("scratch directory " + missing + " does not exist");
  }

  @Test
  void fileIsAnOverlayThatOnlyItsOwnerMayOpen() throws Exception {
    ScratchFile file = create("/images/a.qcow2", NAMES);
    assertThat(file.path()).exists().hasParent(directory);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.path())))
        .isEqualTo("rw-------");
    try (var content = Files.newInputStream(file.path())) {
      assertThat(content.readNBytes(4)).containsExactly('Q', 'F', 'I', 0xfb);
    }
    assertThat(file.freeBytes()).isPositive();
    file.remove();
    file.remove();
    assertThat(file.path()).doesNotExist();
  }

  @Test
  void leftoversOfTheSameImageAreRemovedAndNoOtherFile() throws Exception {
    ScratchFile left = create("/images/a.qcow2", NAMES);
    ScratchFile ofAnotherImage = create("/images/b.qcow2", NAMES);
    Path theirs = Files.createFile(directory.resolve("theirs.scratch.qcow2"));
    assertThat(ScratchFile.removeLeftovers(directory, "/images/a.qcow2"))
        .containsExactly(left.path());
    assertThat(left.path()).doesNotExist();
    assertThat(ofAnotherImage.path()).exists();
    assertThat(theirs).exists();
    assertThat(ScratchFile.removeLeftovers(directory, "/images/a.qcow2")).isEmpty();
  }

  @Test
  void failedCreationLeavesNothing() throws Exception {
    assertThatThrownBy(
            () ->
                ScratchFile.create(
                    directory, "/images/a.qcow2", NAMES, Long.MAX_VALUE, ourselves()))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("qemu-img: ");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).isEmpty();
    }
  }

  private ScratchFile create(String image, RunNames names) throws Exception {
    return ScratchFile.create(directory, image, names, 1 << 20, ourselves());
  }

  private PeerCredentials ourselves() throws Exception {
    long uid = ((Number) Files.getAttribute(directory, "unix:uid")).longValue();
    long gid = ((Number) Files.getAttribute(directory, "unix:gid")).longValue();
    return new PeerCredentials(ProcessHandle.current().pid(), uid, gid);
  }
}
