package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectIoTest {
  @TempDir private Path dir;

  @Test
  void opensNoFileThatIsNotThere() {
    assertThat(DirectIo.open(dir.resolve("none"), StandardOpenOption.READ)).isEmpty();
  }

  @Test
  void isRefusedByAFileSystemThatHasNone() {
    assertThat(DirectIo.open(Path.of("/proc/self/status"), StandardOpenOption.READ)).isEmpty();
  }

  @Test
  void isNotUsedWhereItIsTurnedOff() throws IOException {
    Path file = Files.createFile(dir.resolve("file"));
    assertThat(DirectIo.open("0", file, StandardOpenOption.READ)).isEmpty();
  }

  /** Some network file systems have the size of a message for a block. */
  @Test
  void takesOnlyBlocksThatABufferCanBeAlignedTo() {
    assertThat(DirectIo.isBlock(4096)).isTrue();
    assertThat(DirectIo.isBlock(1 << 20)).isTrue();
    assertThat(DirectIo.isBlock(126_976)).isFalse();
    assertThat(DirectIo.isBlock(1 << 21)).isFalse();
    assertThat(DirectIo.isBlock(0)).isFalse();
    assertThat(DirectIo.isBlock(Long.MIN_VALUE)).isFalse();
  }

  @Test
  void isTriedWithoutLeavingAnything() {
    boolean unused = DirectIo.worksIn(dir);
    assertThat(dir.toFile().list()).isEmpty();
  }

  @Test
  void doesNotWorkWhereNothingCanBeWritten() {
    assertThat(DirectIo.worksIn(dir.resolve("none"))).isFalse();
    assertThat(DirectIo.worksIn(Path.of("/proc/self"))).isFalse();
  }

  @Test
  void takesWholeBlocksOnly() throws IOException {
    Path file = Files.createFile(dir.resolve("file"));
    int block = (int) Files.getFileStore(file).getBlockSize();
    FileChannel channel = DirectIo.open(file, StandardOpenOption.WRITE).orElse(null);
    Assumptions.assumeTrue(channel != null, "the file system has no direct I/O");

    try (channel) {
      ByteBuffer blocks = DirectIo.buffer(block, block);
      assertThat(channel.write(blocks.limit(block), block)).isEqualTo(block);
      assertThatThrownBy(() -> channel.write(blocks.clear().limit(block - 1), 0))
          .isInstanceOf(IOException.class);
    }
    assertThat(Files.size(file)).isEqualTo(2L * block);
  }

  /** Java 17's do not once it has made a buffer for direct I/O by itself. */
  @Test
  void leavesTheThreadsOtherWritesAlone() throws IOException {
    Assumptions.assumeTrue(DirectIo.worksIn(dir), "the file system has no direct I/O");
    try (FileChannel channel =
        FileChannel.open(
            dir.resolve("other"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (int bytes = 1; bytes <= 1 << 20; bytes *= 2) {
        assertThat(channel.write(ByteBuffer.allocate(bytes), 0)).isEqualTo(bytes);
      }
    }
  }
}
